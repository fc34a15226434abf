#pragma warning disable CA1822 // The compiler calls the builder's members on an instance.
using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// What all four builders do. <see cref="Start"/> copies the state machine to the top of the fiber before its first step and runs it there;
/// to suspend is to do nothing; to resume is to call MoveNext in place. So a fork is a copy and a hash covers everything.
/// </summary>
internal static unsafe class FrameRunner
{
    public static void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine
    {
        if (FrameOf<TStateMachine>.Problem is { } problem)
        {
            throw new InvalidOperationException(problem);
        }

        var context = StepContext.Current;
        var size = FrameOf<TStateMachine>.Size;
        var frame = context.Push(FrameOf<TStateMachine>.Number, size);
        ((ulong*)(frame + size))[-1] = 0;
        Unsafe.AsRef<TStateMachine>(frame) = stateMachine;
        BlankPadding(frame, FrameOf<TStateMachine>.Padding);
        context.Completed = false;
        Unsafe.AsRef<TStateMachine>(frame).MoveNext();
        if (context.Completed)
        {
            context.RequireInnermost(frame);
            context.Pop();
        }
    }

    /// <summary>
    /// Called by the frame that suspends: it must be the innermost, or, if it awaits a task, the caller of the innermost.
    /// </summary>
    public static void Suspend(void* stateMachine, bool awaitsTask) => StepContext.Current.Suspend((byte*)stateMachine, awaitsTask);

    public static void Complete() => StepContext.Current.Completed = true;

    public static void Fail(Exception error)
    {
        var context = StepContext.Current;
        context.Error = error;
        context.Completed = true;
    }

    public static bool TakeCompleted()
    {
        var context = StepContext.Current;
        var completed = context.Completed;
        context.Completed = false;
        return completed;
    }

    private static void BlankPadding(byte* frame, ulong[] mask)
    {
        for (var i = 0; i < mask.Length; i++)
        {
            ((ulong*)frame)[i] &= mask[i];
        }
    }
}

/// <summary>For the compiler: builds <see cref="GuestTask"/>.</summary>
public struct GuestTaskMethodBuilder
{
    /// <summary>The task that the method returns.</summary>
    public readonly GuestTask Task => new(FrameRunner.TakeCompleted());

    /// <summary>A new builder.</summary>
    public static GuestTaskMethodBuilder Create() => default;

    /// <summary>Runs the method to its first operation.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine =>
        FrameRunner.Start(ref stateMachine);

    /// <summary>Not used: frames are not boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => throw new NotSupportedException();

    /// <summary>The method returned.</summary>
    public readonly void SetResult() => FrameRunner.Complete();

    /// <summary>The method threw.</summary>
    public readonly void SetException(Exception exception) => FrameRunner.Fail(exception);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);
}

/// <summary>For the compiler: builds <see cref="GuestTask{T}"/>.</summary>
/// <typeparam name="T">The result.</typeparam>
public struct GuestTaskMethodBuilder<T> where T : unmanaged
{
    /// <summary>The task that the method returns.</summary>
    public readonly GuestTask<T> Task => new(FrameRunner.TakeCompleted());

    /// <summary>A new builder.</summary>
    public static GuestTaskMethodBuilder<T> Create() => default;

    /// <summary>Runs the method to its first operation.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine =>
        FrameRunner.Start(ref stateMachine);

    /// <summary>Not used: frames are not boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => throw new NotSupportedException();

    /// <summary>The method returned a result.</summary>
    public readonly void SetResult(T result)
    {
        StepContext.Current.Result = ResultWord.Write(result);
        FrameRunner.Complete();
    }

    /// <summary>The method threw.</summary>
    public readonly void SetException(Exception exception) => FrameRunner.Fail(exception);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);
}

/// <summary>For the compiler: builds <see cref="HostTask"/>.</summary>
public struct HostTaskMethodBuilder
{
    /// <summary>The task that the method returns.</summary>
    public readonly HostTask Task => new(FrameRunner.TakeCompleted());

    /// <summary>A new builder.</summary>
    public static HostTaskMethodBuilder Create() => default;

    /// <summary>Runs the method to its first operation.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine =>
        FrameRunner.Start(ref stateMachine);

    /// <summary>Not used: frames are not boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => throw new NotSupportedException();

    /// <summary>The method returned.</summary>
    public readonly void SetResult() => FrameRunner.Complete();

    /// <summary>The method threw.</summary>
    public readonly void SetException(Exception exception) => FrameRunner.Fail(exception);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);
}

/// <summary>For the compiler: builds <see cref="HostTask{T}"/>.</summary>
/// <typeparam name="T">The result.</typeparam>
public struct HostTaskMethodBuilder<T> where T : unmanaged
{
    /// <summary>The task that the method returns.</summary>
    public readonly HostTask<T> Task => new(FrameRunner.TakeCompleted());

    /// <summary>A new builder.</summary>
    public static HostTaskMethodBuilder<T> Create() => default;

    /// <summary>Runs the method to its first operation.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine =>
        FrameRunner.Start(ref stateMachine);

    /// <summary>Not used: frames are not boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => throw new NotSupportedException();

    /// <summary>The method returned a result.</summary>
    public readonly void SetResult(T result)
    {
        StepContext.Current.Result = ResultWord.Write(result);
        FrameRunner.Complete();
    }

    /// <summary>The method threw.</summary>
    public readonly void SetException(Exception exception) => FrameRunner.Fail(exception);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);

    /// <summary>The method awaits.</summary>
    public readonly unsafe void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine =>
            FrameRunner.Suspend(Unsafe.AsPointer(ref stateMachine), default(TAwaiter) is ITaskAwaiter);
}
