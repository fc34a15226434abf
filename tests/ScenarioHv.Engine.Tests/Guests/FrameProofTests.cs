using System.Reflection;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>Which async methods can be guests, and what the refusal of the others says.</summary>
public sealed class FrameProofTests
{
    [TestCase(nameof(Refused.Text), "keeps 'text', a string,")]
    [TestCase(nameof(Refused.Parameter), "keeps 'name', a string,")]
    [TestCase(nameof(Refused.Collection), "keeps 'list', a List,")]
    [TestCase(nameof(Refused.Array), "keeps 'values', a Int32[],")]
    [TestCase(nameof(Refused.Boxed), "keeps 'boxed', a Object,")]
    [TestCase(nameof(Refused.Function), "keeps 'function', a Func,")]
    [TestCase(nameof(Refused.Fraction), "keeps 'seconds', a floating-point number,")]
    [TestCase(nameof(Refused.SmallFraction), "keeps 'seconds', a floating-point number,")]
    [TestCase(nameof(Refused.NativeWord), "keeps 'word', a IntPtr,")]
    [TestCase(nameof(Refused.InsideStruct), "keeps 'Name', a string,")]
    [TestCase(nameof(Refused.KeptException), "keeps 'error', a Exception,")]
    public void A_local_that_is_no_plain_data_is_refused_by_name_and_type(string method, string words) =>
        Assert.That(Problem(typeof(Refused), method), Does.StartWith($"{method} {words}")
            .And.Contain("Keep integers, enums, Instant or structs of them"));

    [TestCase(nameof(Refused.ForeachOverArray), "a foreach over an array")]
    [TestCase(nameof(Refused.AwaitInFinally), "an await inside finally")]
    public void What_the_compiler_keeps_itself_is_explained_by_the_statement(string method, string words) =>
        Assert.That(Problem(typeof(Refused), method), Does.StartWith(method).And.Contain(words).And.Contain("shared between forks"));

    [Test]
    public void A_closure_is_explained_as_a_lambda_that_captures() =>
        Assert.That(Problem(typeof(Refused), nameof(Refused.Closure)), Does.StartWith("Closure ")
            .And.Contain("a lambda that captures locals"));

    [Test]
    public void A_method_of_an_object_is_explained_by_its_this() =>
        Assert.That(Problem(typeof(Instance), nameof(Instance.Method)), Does.StartWith("Method ").And.Contain("'this'")
            .And.Contain("make it static"));

    [Test]
    public void A_frame_that_is_an_object_was_compiled_without_optimisation() =>
        Assert.That(FrameProof.Problem(typeof(Unoptimised)), Does.Contain("compiled without optimisation")
            .And.Contain("<Optimize>true</Optimize>"));

    [TestCase(nameof(Accepted.Numbers))]
    [TestCase(nameof(Accepted.Times))]
    [TestCase(nameof(Accepted.Structs))]
    [TestCase(nameof(Accepted.StructEnumerator))]
    [TestCase(nameof(Accepted.FinallyWithoutAwait))]
    [TestCase(nameof(Accepted.AwaitInCatch))]
    [TestCase(nameof(Accepted.Accumulates))]
    [TestCase(nameof(Accepted.TextBetweenAwaits))]
    [TestCase(nameof(Accepted.InlineArray))]
    [TestCase(nameof(Accepted.Handles))]
    public void Plain_data_is_accepted(string method) => Assert.That(Problem(typeof(Accepted), method), Is.Null);

    [Test]
    public void The_proof_of_an_assembly_names_every_refused_method_once()
    {
        var problems = FrameProof.Problems(typeof(FrameProofTests).Assembly).ToList();

        var methods = typeof(Refused).GetMethods(BindingFlags.Static | BindingFlags.Public).Select(method => method.Name);
        Assert.That(problems.Select(problem => problem.Method), Is.SupersetOf(methods));
        Assert.That(problems.Single(problem => problem.Method == nameof(Refused.Text)).Local, Does.Contain("<text>"));
        Assert.That(problems.Select(problem => problem.Method), Has.None.EqualTo(nameof(Accepted.Numbers)));
    }

    [Test]
    public void No_method_of_the_engine_is_refused() => Assert.That(FrameProof.Problems(typeof(Cpu).Assembly), Is.Empty);

    private static string? Problem(Type owner, string method) =>
        FrameProof.Problem(owner.GetNestedTypes(BindingFlags.NonPublic).Single(type => FrameProof.MethodOf(type) == method
            && typeof(IAsyncStateMachine).IsAssignableFrom(type)));

    /// <summary>A state machine as the compiler makes it in Debug.</summary>
    private sealed class Unoptimised : IAsyncStateMachine
    {
        public void MoveNext()
        {
        }

        public void SetStateMachine(IAsyncStateMachine stateMachine)
        {
        }
    }

    private sealed class Instance
    {
        private int _count;

        public async GuestTask Method(Cpu cpu)
        {
            await cpu.Work(1);
            _count++;
            await cpu.Work(_count);
        }
    }

    private static class Refused
    {
        public static async GuestTask Text(Cpu cpu)
        {
            var text = cpu.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await cpu.Work(1);
            await cpu.Report(text);
        }

        public static async GuestTask Parameter(Cpu cpu, string name)
        {
            await cpu.Work(1);
            await cpu.Report(name);
        }

        public static async GuestTask Collection(Cpu cpu)
        {
            var list = new List<int> { cpu.Id };
            await cpu.Work(1);
            await cpu.Work(list.Count);
        }

        public static async GuestTask Array(Cpu cpu)
        {
            var values = new int[cpu.Id];
            await cpu.Work(1);
            await cpu.Work(values.Length);
        }

        public static async GuestTask Boxed(Cpu cpu)
        {
            object boxed = cpu.Id;
            await cpu.Work(1);
            await cpu.Work(boxed.GetHashCode());
        }

        public static async GuestTask Function(Cpu cpu)
        {
            Func<int, int> function = cpu.Id > 0 ? Math.Abs : static value => value;
            await cpu.Work(1);
            await cpu.Work(function(1));
        }

        public static async GuestTask Fraction(Cpu cpu)
        {
            double seconds = cpu.Id;
            await cpu.Work(1);
            await cpu.Work((long)seconds);
        }

        public static async GuestTask SmallFraction(Cpu cpu)
        {
            float seconds = cpu.Id;
            await cpu.Work(1);
            await cpu.Work((long)seconds);
        }

        public static async GuestTask NativeWord(Cpu cpu)
        {
            nint word = cpu.Id;
            await cpu.Work(1);
            await cpu.Work(word);
        }

        public static async GuestTask InsideStruct(Cpu cpu)
        {
            var named = new Named { Number = cpu.Id, Name = "name" };
            await cpu.Work(named.Number);
            await cpu.Report(named.Name);
        }

        public static async GuestTask KeptException(Cpu cpu)
        {
            Exception? error = null;
            try
            {
                await cpu.Work(1);
            }
            catch (InvalidOperationException caught)
            {
                error = caught;
            }

            await cpu.Work(2);
            await cpu.Work(error is null ? 1 : 2);
        }

        public static async GuestTask ForeachOverArray(Cpu cpu)
        {
            foreach (var value in s_values)
                await cpu.Work(value);
        }

        public static async GuestTask AwaitInFinally(Cpu cpu)
        {
            try
            {
                await cpu.Work(1);
            }
            finally
            {
                await cpu.Work(2);
            }
        }

        public static async GuestTask Closure(Cpu cpu)
        {
            var count = cpu.Id;
            Action increment = () => count++;
            await cpu.Work(1);
            increment();
            await cpu.Work(count);
        }

        private static readonly int[] s_values = [1, 2, 3];

        private struct Named
        {
            public int Number;
            public string Name;
        }
    }

    private static class Accepted
    {
        public static async GuestTask Numbers(Cpu cpu)
        {
            byte small = 1;
            ulong large = 2;
            var flag = cpu.Id == 0;
            var letter = 'x';
            await cpu.Work(1);
            await cpu.Work(small + (long)large + (flag ? 1 : 2) + letter);
        }

        public static async GuestTask Times(Cpu cpu)
        {
            var deadline = cpu.Deadline(100);
            var never = Instant.Never;
            await cpu.Work(1);
            await cpu.Work(cpu.Expired(deadline) || cpu.Expired(never) ? 1 : 2);
        }

        public static async GuestTask Structs(Cpu cpu)
        {
            (int Left, OperationKind Right) pair = (cpu.Id, OperationKind.In);
            await cpu.Work(1);
            await cpu.Work(pair.Left + (int)pair.Right);
        }

        public static async GuestTask StructEnumerator(Cpu cpu)
        {
            foreach (var number in default(Numbers3))
                await cpu.Work(number);
        }

        public static async GuestTask FinallyWithoutAwait(Cpu cpu)
        {
            try
            {
                await cpu.Work(1);
            }
            finally
            {
                cpu.Expired(default);
            }
        }

        public static async GuestTask AwaitInCatch(Cpu cpu)
        {
            try
            {
                await cpu.Work(1);
            }
            catch (InvalidOperationException)
            {
                await cpu.Work(2);
            }
        }

        public static async GuestTask Accumulates(Cpu cpu)
        {
            var sum = 1;
            sum += await One(cpu);
            await cpu.Work(sum);
        }

        public static async GuestTask TextBetweenAwaits(Cpu cpu)
        {
            await cpu.Work(1);
            var text = $"cpu {cpu.Id}";
            await cpu.Report(text);
        }

        public static async GuestTask InlineArray(Cpu cpu)
        {
            var values = default(Words);
            values[cpu.Id] = 7;
            await cpu.Work(1);
            await cpu.Work(values[0]);
        }

        public static async GuestTask Handles(Cpu cpu)
        {
            var word = new Shared<int>(0);
            var value = await word.Read(cpu);
            await word.Write(cpu, value + 1);
        }

        private static async GuestTask<int> One(Cpu cpu)
        {
            await cpu.Work(1);
            return 1;
        }

        [InlineArray(4)]
        private struct Words
        {
            private long _first;
        }

        private struct Numbers3
        {
            public int Current { get; private set; }

            public readonly Numbers3 GetEnumerator() => this;

            public bool MoveNext() => ++Current < 4;
        }
    }
}
