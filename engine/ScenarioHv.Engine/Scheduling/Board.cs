// TEMPORARY STAND-IN, replaced at merge: do not build on it.
#pragma warning disable
using ScenarioHv.Engine.Guests; using ScenarioHv.Engine.State;
namespace ScenarioHv.Engine.Scheduling;
/// <summary>x</summary>
public sealed class Board {
 /// <summary>x</summary>
 public ReportTable Reports { get; } = new();
 /// <summary>x</summary>
 public GuestProgram? L2 { get; set; }
 /// <summary>x</summary>
 public GuestProgram? Guest(int level) => null;
 internal Slot<NestedExit> NestedExits; internal Slot<StubCore> Cores; internal int CoreIndex(int v, int l) => 0;
 internal StubProcessor Processor = new();
 internal int VariablesOffset(int v, int l) => 0;
}
internal struct StubCore { public bool InterruptsOpen => false; }
internal class StubProcessor { public void SetNestedInjection(Machine m, int i, byte v) {} public void SetNestedWindow(Machine m, int i, bool w) {} public void SetAcknowledgeOnExit(Machine m, int i, bool w) {} }
/// <summary>x</summary>
public sealed class ReportTable { /// <summary>x</summary>
 public ulong Number(string t) => 0; }
