using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// The return type of guest code: an <c>async</c> method whose suspended frame is bytes in the machine. Each awaited call is one operation
/// of that CPU. Must be awaited at once.
/// </summary>
[AsyncMethodBuilder(typeof(GuestTaskMethodBuilder))]
public readonly struct GuestTask
{
    internal GuestTask(bool completed) => Completed = completed;

    /// <summary>True if the method returned without awaiting an operation.</summary>
    internal bool Completed { get; }

    /// <summary>For the compiler.</summary>
    public GuestTaskAwaiter GetAwaiter() => new(Completed);
}

/// <summary>As <see cref="GuestTask"/>, with a result.</summary>
/// <typeparam name="T">Plain data of at most 8 bytes.</typeparam>
[AsyncMethodBuilder(typeof(GuestTaskMethodBuilder<>))]
public readonly struct GuestTask<T> where T : unmanaged
{
    internal GuestTask(bool completed) => Completed = completed;

    internal bool Completed { get; }

    /// <summary>For the compiler.</summary>
    public GuestTaskAwaiter<T> GetAwaiter() => new(Completed);
}

/// <summary>
/// The return type of a hypervisor's code: its vCPU loops, its I/O threads, its monitor. Works like <see cref="GuestTask"/>.
/// </summary>
[AsyncMethodBuilder(typeof(HostTaskMethodBuilder))]
public readonly struct HostTask
{
    internal HostTask(bool completed) => Completed = completed;

    internal bool Completed { get; }

    /// <summary>For the compiler.</summary>
    public GuestTaskAwaiter GetAwaiter() => new(Completed);
}

/// <summary>As <see cref="HostTask"/>, with a result.</summary>
/// <typeparam name="T">Plain data of at most 8 bytes.</typeparam>
[AsyncMethodBuilder(typeof(HostTaskMethodBuilder<>))]
public readonly struct HostTask<T> where T : unmanaged
{
    internal HostTask(bool completed) => Completed = completed;

    internal bool Completed { get; }

    /// <summary>For the compiler.</summary>
    public GuestTaskAwaiter<T> GetAwaiter() => new(Completed);
}

/// <summary>For the compiler: awaits a task.</summary>
public readonly struct GuestTaskAwaiter : ICriticalNotifyCompletion, ITaskAwaiter
{
    internal GuestTaskAwaiter(bool completed) => IsCompleted = completed;

    /// <summary>True if nothing has to be waited for.</summary>
    public bool IsCompleted { get; }

    /// <summary>Throws what the awaited method threw.</summary>
    public void GetResult() => StepContext.Current.Rethrow();

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void OnCompleted(Action continuation) => throw new NotSupportedException();

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void UnsafeOnCompleted(Action continuation) => throw new NotSupportedException();
}

/// <summary>For the compiler: awaits a task with a result.</summary>
/// <typeparam name="T">Plain data of at most 8 bytes.</typeparam>
public readonly struct GuestTaskAwaiter<T> : ICriticalNotifyCompletion, ITaskAwaiter where T : unmanaged
{
    internal GuestTaskAwaiter(bool completed) => IsCompleted = completed;

    /// <summary>True if nothing has to be waited for.</summary>
    public bool IsCompleted { get; }

    /// <summary>The result, or throws what the awaited method threw.</summary>
    public T GetResult()
    {
        var context = StepContext.Current;
        context.Rethrow();
        return ResultWord.Read<T>(context.Result);
    }

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void OnCompleted(Action continuation) => throw new NotSupportedException();

    /// <summary>Never used: a frame is resumed by a step, not by a callback.</summary>
    public void UnsafeOnCompleted(Action continuation) => throw new NotSupportedException();
}

/// <summary>Tells awaiting another method from awaiting an operation.</summary>
internal interface ITaskAwaiter;

/// <summary>Results cross from frame to frame as one 64-bit word.</summary>
internal static unsafe class ResultWord
{
    public static T Read<T>(ulong word) where T : unmanaged => *(T*)&word;

    public static ulong Write<T>(T value) where T : unmanaged
    {
        if (sizeof(T) > sizeof(ulong))
        {
            throw new InvalidOperationException($"A guest method returns {typeof(T).Name}, {sizeof(T)} bytes; results have at most 8.");
        }

        ulong word = 0;
        *(T*)&word = value;
        return word;
    }
}
