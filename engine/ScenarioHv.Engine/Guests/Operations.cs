using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.Guests;

/// <summary>One awaited operation without a result. It holds nothing: the request is in the machine.</summary>
public readonly struct Op : ICriticalNotifyCompletion
{
    /// <summary>Always false: an operation completes by a step.</summary>
    public bool IsCompleted => false;

    /// <summary>For the compiler.</summary>
    public Op GetAwaiter() => this;

    /// <summary>For the compiler.</summary>
    public void GetResult()
    {
    }

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void OnCompleted(Action continuation) => throw new NotSupportedException();

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void UnsafeOnCompleted(Action continuation) => throw new NotSupportedException();
}

/// <summary>One awaited operation with a result.</summary>
/// <typeparam name="T">Plain data of at most 8 bytes.</typeparam>
public readonly struct Op<T> : ICriticalNotifyCompletion where T : unmanaged
{
    /// <summary>Always false: an operation completes by a step.</summary>
    public bool IsCompleted => false;

    /// <summary>For the compiler.</summary>
    public Op<T> GetAwaiter() => this;

    /// <summary>The result.</summary>
    public T GetResult() => ResultWord.Read<T>(StepContext.Current.Result);

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void OnCompleted(Action continuation) => throw new NotSupportedException();

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void UnsafeOnCompleted(Action continuation) => throw new NotSupportedException();
}

/// <summary>The awaited exit of a nested guest.</summary>
public readonly struct OpExit : ICriticalNotifyCompletion
{
    /// <summary>Always false: an operation completes by a step.</summary>
    public bool IsCompleted => false;

    /// <summary>For the compiler.</summary>
    public OpExit GetAwaiter() => this;

    /// <summary>What the nested guest's exit left in its control structure.</summary>
    public NestedExit GetResult()
    {
        var context = StepContext.Current;
        return context.Machine.Ref(context.Board.NestedExits, context.Vcpu);
    }

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void OnCompleted(Action continuation) => throw new NotSupportedException();

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void UnsafeOnCompleted(Action continuation) => throw new NotSupportedException();
}
