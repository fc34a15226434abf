using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>The guests of the tests.</summary>
public sealed partial class FiberTests
{
    private static class Nested
    {
        public static async GuestTask Run(Cpu cpu) => await Level(cpu, (int)cpu.Parameter("depth"));

        private static async GuestTask Level(Cpu cpu, int level)
        {
            await cpu.Report($"down {level}");
            if (level > 1)
                await Level(cpu, level - 1);
            await cpu.Report($"up {level}");
        }
    }

    private static class Results
    {
        public static async GuestTask Run(Cpu cpu)
        {
            var suspend = cpu.Parameter("suspend") != 0;
            var small = await Give<byte>(cpu, 200, suspend);
            await cpu.Report($"byte {small}");
            var negative = await Give(cpu, -7, suspend);
            await cpu.Report($"int {negative}");
            var large = await Give(cpu, -5_000_000_000L, suspend);
            await cpu.Report($"long {large}");
            var kind = await Give(cpu, OperationKind.Hlt, suspend);
            await cpu.Report($"enum {kind}");
            var pair = await Give(cpu, new Pair { Left = 3, Right = 4 }, suspend);
            await cpu.Report($"pair {pair.Left} {pair.Right}");
            var sum = 2;
            sum += await Give(cpu, 40, suspend);
            await cpu.Report($"sum {sum}");
        }

        public static async GuestTask RunLarge(Cpu cpu)
        {
            await cpu.Work(1);
            await Give(cpu, default(Large), suspend: true);
        }

        private static async GuestTask<T> Give<T>(Cpu cpu, T value, bool suspend) where T : unmanaged
        {
            if (suspend)
                await cpu.Work(10);
            return value;
        }

        public struct Pair
        {
            public int Left;
            public int Right;
        }

        [System.Runtime.CompilerServices.InlineArray(3)]
        public struct Large
        {
            private long _first;
        }
    }

    private static class Failing
    {
        [ThreadStatic]
        public static bool Fail;

        public struct Variables
        {
            public int Finally;
        }

        public static async GuestTask Run(Cpu cpu)
        {
            try
            {
                await Outer(cpu);
            }
            catch (InvalidOperationException)
            {
                await cpu.Report($"caught late, finally {ScriptVariables.Of<Variables>().Finally}");
            }

            try
            {
                await AtOnce(cpu);
            }
            catch (InvalidOperationException)
            {
                await cpu.Report("caught at once");
            }

            await cpu.Report("after");
        }

        public static async GuestTask Uncaught(Cpu cpu)
        {
            var operations = cpu.Parameter("operations");
            for (var i = 0; i < operations; i++)
                await cpu.Report("one");
            throw new InvalidOperationException("no one catches this");
        }

        public static async GuestTask NeverAwaited(Cpu cpu)
        {
            await cpu.Work(1);
            if (Fail)
            {
                _ = Suspends(cpu);
            }

            await cpu.Work(1);
            await Empty(cpu);
        }

        public static async GuestTask NeverAwaitedAndFails(Cpu cpu)
        {
            await cpu.Work(1);
            _ = AtOnce(cpu);
            await cpu.Work(1);
        }

        private static async GuestTask Suspends(Cpu cpu) => await cpu.Work(1);

        private static async GuestTask Empty(Cpu cpu)
        {
            await cpu.Work(1);
            await cpu.Work(1);
        }

        private static async GuestTask Outer(Cpu cpu)
        {
            var number = cpu.Id + 2;
            try
            {
                await Middle(cpu);
            }
            finally
            {
                Note(number);
            }
        }

        private static async GuestTask Middle(Cpu cpu)
        {
            try
            {
                await Inner(cpu);
            }
            finally
            {
                Note(1);
            }
        }

        private static void Note(int number)
        {
            ref var variables = ref ScriptVariables.Of<Variables>();
            variables.Finally = (variables.Finally * 10) + number;
        }

        private static async GuestTask Inner(Cpu cpu)
        {
            await cpu.Report("inner");
            throw new InvalidOperationException("inner failed");
        }

        private static async GuestTask AtOnce(Cpu cpu)
        {
            if (cpu.Id >= 0)
                throw new InvalidOperationException("failed at once");
            await cpu.Work(1);
        }
    }

    private static class Loops
    {
        public static async GuestTask Run(Cpu cpu)
        {
            for (var i = 0; i < 2; i++)
                await cpu.Report($"for {i}");
            var left = 2;
            while (left > 0)
                await cpu.Report($"while {left--}");
            do
                await cpu.Report("do");
            while (left > 0);
            foreach (var number in new Numbers(5, 8))
                await cpu.Report($"range {number}");
            for (var outer = 0; outer < 3; outer++)
            {
                if (outer == 2)
                    break;
                for (var inner = 0; inner < 2; inner++)
                {
                    if (outer + inner < 2)
                        continue;
                    await cpu.Report($"inner {outer} {inner}");
                }
            }

            var sum = 0;
            for (var i = 0; i < 5; i++)
            {
                await cpu.Work(1);
                sum += i;
            }

            await cpu.Report($"sum {sum}");
        }

        private readonly struct Numbers(int from, int to)
        {
            public Enumerator GetEnumerator() => new(from, to);

            public struct Enumerator(int from, int to)
            {
                public int Current { get; private set; } = from - 1;

                public bool MoveNext() => ++Current < to;
            }
        }
    }

    private static class Unawaited
    {
        public static async GuestTask Dropped(Cpu cpu)
        {
            _ = Work(cpu);
            await cpu.Work(5);
        }

        public static async GuestTask AwaitedLater(Cpu cpu)
        {
            var task = Work(cpu);
            await cpu.Work(5);
            await task;
        }

        public static async GuestTask TwoAtOnce(Cpu cpu)
        {
            var first = Work(cpu);
            var second = Work(cpu);
            await first;
            await second;
        }

        public static async GuestTask DroppedAtTheEnd(Cpu cpu)
        {
            await cpu.Work(5);
            _ = Work(cpu);
        }

        public static async GuestTask ThroughLocal(Cpu cpu)
        {
            var task = Work(cpu);
            await task;
            await cpu.Report("done");
        }

        private static async GuestTask Work(Cpu cpu)
        {
            await cpu.Work(1);
            await cpu.Report("worked");
        }
    }

    private static class Endless
    {
        public static async GuestTask Run(Cpu cpu)
        {
            await cpu.Work(1);
            await Deeper(cpu);
        }

        private static async GuestTask Deeper(Cpu cpu)
        {
            await cpu.Work(1);
            await Deeper(cpu);
        }
    }

    private static class Borrowed
    {
        public static async GuestTask Run(Cpu cpu)
        {
            if (cpu.Id == 0)
                s_leaked = cpu;
            await cpu.Work(10);
            await s_leaked.Work(10);
        }

        public static async GuestTask Leak(Cpu cpu)
        {
            s_leaked = cpu;
            await cpu.Work(10);
        }

        public static async GuestTask LeakAndFail(Cpu cpu)
        {
            s_leaked = cpu;
            await cpu.Work(10);
            throw new InvalidOperationException("failed");
        }
    }

    private static class Refused
    {
        public static async GuestTask KeepsText(Cpu cpu)
        {
            var text = cpu.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await cpu.Work(1);
            await cpu.Report(text);
        }
    }

    private static class OutOfRange
    {
        public static async GuestTask NoWork(Cpu cpu) => await cpu.Work(0);

        public static async GuestTask Cr8(Cpu cpu) => await cpu.WriteCr8(16);
    }

    private static class Interrupted
    {
        private const uint IcrLow = 0xfee00300;
        private const uint FixedTo0 = 0x60;

        public static async GuestTask EndsOpen(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Work(1);
        }

        public static async GuestTask Counts(Cpu cpu, byte vector)
        {
            await cpu.Report($"vector {vector}");
            await cpu.Eoi();
        }

        public static async GuestTask Fails(Cpu cpu, byte vector)
        {
            await cpu.Work(vector);
            throw new InvalidOperationException("handler failed");
        }

        public static GuestTask NeverAwaits(Cpu cpu) => Nothing();

        public static async GuestTask WorksThenReports(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Work(50_000);
            await cpu.Report("worked");
        }

        public static async GuestTask SelfIpi(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.MmioWrite(IcrLow, FixedTo0);
            await cpu.Work(1000);
        }

        public static async GuestTask InterruptsItself(Cpu cpu, byte vector)
        {
            await cpu.Eoi();
            await cpu.Sti();
            await cpu.MmioWrite(IcrLow, vector);
            await cpu.Work(1000);
        }

#pragma warning disable CS1998 // That it awaits nothing is the point.
        private static async GuestTask Nothing()
        {
        }
#pragma warning restore CS1998
    }

    private static class Counting
    {
        public struct Variables
        {
            public int Count;
        }

        public static async GuestTask Run(Cpu cpu)
        {
            ScriptVariables.Of<Variables>().Count = 10 * cpu.Id;
            for (var i = 0; i < 3; i++)
            {
                await cpu.Work(10);
                ScriptVariables.Of<Variables>().Count++;
            }

            await cpu.Report($"cpu {cpu.Id} counted {ScriptVariables.Of<Variables>().Count}");
        }
    }
}
