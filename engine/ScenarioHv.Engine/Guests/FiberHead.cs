using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Guests;

/// <summary>
/// Head of a fiber: a suspended activity of a guest or of a hypervisor. Its frames follow in the block, oldest first, each with a
/// <see cref="FrameHead"/>.
/// </summary>
public struct FiberHead
{
    /// <summary>Offset of the innermost frame in the arena.</summary>
    public ushort Top;

    /// <summary>Bytes of the arena in use.</summary>
    public ushort Used;

    /// <summary>Number of frames; 0 before the start and after the end.</summary>
    public ushort Depth;

    /// <summary>1 once the outermost method has returned.</summary>
    public ushort Finished;

    /// <summary>The operation that the innermost frame awaits.</summary>
    public Operation Op;
}

/// <summary>Head of one frame in a fiber's arena.</summary>
public struct FrameHead
{
    /// <summary>Number of the frame's type in this process; 0 is the record of an interrupt.</summary>
    public ushort Type;

    /// <summary>Bytes of head and frame.</summary>
    public ushort Size;

    /// <summary>Offset of the frame below.</summary>
    public ushort Prev;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved;
}

/// <summary>What an awaited operation asks for, and how far it is.</summary>
public struct Operation
{
    /// <summary>Which operation.</summary>
    public OperationKind Kind;

    /// <summary>How far it is.</summary>
    public OperationStage Stage;

    /// <summary>Size of an access in bytes, or a destination shorthand.</summary>
    public byte Size;

    /// <summary>Bytes of the instruction.</summary>
    public byte Length;

    /// <summary>Register, port, MSR, label or destination.</summary>
    public uint Code;

    /// <summary>Address of the instruction; advances inside <see cref="OperationKind.Work"/> with what has retired.</summary>
    public ulong Rip;

    /// <summary>Operand, and after completion the result.</summary>
    public ulong Value;

    /// <summary>Cycles of work still to do.</summary>
    public long Remaining;

    /// <summary>When the present stretch of work began, or until when a host thread waits; never if neither.</summary>
    public Instant Deadline;
}

/// <summary>How far an operation is.</summary>
public enum OperationStage : byte
{
    /// <summary>Not begun.</summary>
    Pending = 0,

    /// <summary>Begun and in progress (work), or handed to the hypervisor (an exit).</summary>
    Begun = 1,
}
