using System.Text;
using ScenarioHv.Cli.Output;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Running;

/// <summary>Where two runs that should be the same part.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Event">The number of the event, from 1; 0 if it is a cell that one of them has not or has later.</param>
/// <param name="First">What the first run did there.</param>
/// <param name="Second">What the second one did.</param>
internal sealed record Parting(string Cell, long Event, string First, string Second);

/// <summary>Two streams of events, read in step: nothing of them is kept but where they are.</summary>
internal sealed class TwiceComparison(Stream first, Stream second)
{
    private const string End = "(nothing: it has ended)";

    private readonly Reader _first = new(first);
    private readonly Reader _second = new(second);

    /// <summary>How many events were the same.</summary>
    public long Events { get; private set; }

    /// <summary>How many cells they were of.</summary>
    public int Cells { get; private set; }

    /// <summary>Reads both to their ends, or to where they part.</summary>
    /// <returns>Null if they are the same.</returns>
    public Parting? Compare()
    {
        var (cell, number) = ("", 0L);
        while (true)
        {
            var one = _first.Next();
            var other = _second.Next();
            if (!one.SequenceEqual(other))
            {
                var isEvent = one is [TwiceStream.EventMark, ..] || other is [TwiceStream.EventMark, ..];
                return new Parting(cell, isEvent ? number + 1 : 0, Describe(one), Describe(other));
            }

            switch (one)
            {
                case []:
                    return null;
                case [TwiceStream.CellMark, .. var name]:
                    (cell, number) = (Encoding.UTF8.GetString(name), 0);
                    Cells++;
                    break;
                default:
                    number++;
                    Events++;
                    break;
            }
        }
    }

    private static string Describe(ReadOnlySpan<byte> item) => item switch
    {
        [] => End,
        [TwiceStream.CellMark, .. var name] => $"cell {Encoding.UTF8.GetString(name)}",
        [_, .. var bytes] => Describe(TraceEventBytes.Read(bytes)),
    };

    private static string Describe(in TraceEvent e)
    {
        var text = TraceText.IsPrinted(e.Kind, TraceDialects.Kvm616)
            ? TraceEventText.Format(e, TraceDialects.Kvm616)
            : $"{e.Kind} {e.A:x} {e.B:x} {e.C:x} {e.D:x} {e.E:x} {e.F:x}";
        return $"cycle {Wording.Number(e.Cycle)}, vCPU {e.Vcpu}, actor {e.Actor}: {text}";
    }

    /// <summary>One stream, item by item.</summary>
    private sealed class Reader(Stream input)
    {
        private const int LengthSize = 4;

        private byte[] _item = new byte[1 << 10];

        /// <summary>The next item: its mark and what belongs to it; empty at the end, also if the stream ends within an item.</summary>
        public ReadOnlySpan<byte> Next()
        {
            if (!Fill(0, 1))
            {
                return [];
            }

            if (_item[0] != TwiceStream.CellMark)
            {
                return Fill(1, TraceEventBytes.Size) ? _item.AsSpan(0, 1 + TraceEventBytes.Size) : [];
            }

            if (!Fill(1, LengthSize))
            {
                return [];
            }

            var length = BitConverter.ToInt32(_item, 1);
            Array.Resize(ref _item, Math.Max(_item.Length, length + 1));
            return Fill(1, length) ? _item.AsSpan(0, 1 + length) : [];
        }

        private bool Fill(int start, int length) =>
            input.ReadAtLeast(_item.AsSpan(start, length), length, throwOnEndOfStream: false) == length;
    }
}
