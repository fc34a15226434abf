using ScenarioHv.Exploration.Schedules;

namespace ScenarioHv.Exploration.Tests.Schedules;

/// <summary>The text form of schedules.</summary>
public sealed class ScheduleTextTests
{
    [Test]
    public void Any_schedule_is_read_back_as_it_was_written()
    {
        var random = new Random(20260401);
        for (var i = 0; i < 2_000; i++)
        {
            var schedule = Any(random);

            Assert.That(Schedule.Parse(schedule.ToString()), Is.EqualTo(schedule), schedule.ToString());
        }
    }

    [Test]
    public void Text_means_nothing_to_a_shell_and_holds_no_blank()
    {
        var random = new Random(7);
        for (var i = 0; i < 500; i++)
        {
            Assert.That(Any(random).ToString(), Does.Match("^[ct]:[A-Za-z0-9_.@]*$"));
        }
    }

    [Test]
    public void Choices_in_a_row_are_counted()
    {
        var builder = new ScheduleBuilder(isInClasses: true);
        for (var i = 0; i < 12; i++)
        {
            builder.Add(0);
        }

        builder.Add(1);
        builder.Add(2, choice: 1, count: 3);
        builder.BeginPeriod();
        builder.Add(2);
        builder.Add(63);

        Assert.That(builder.Build().ToString(), Is.EqualTo("c:a12bc3.1@c_l"));
    }

    [TestCase(0, "a")]
    [TestCase(25, "z")]
    [TestCase(26, "A")]
    [TestCase(51, "Z")]
    [TestCase(52, "_a")]
    [TestCase(63, "_l")]
    public void Each_of_64_actors_has_a_letter(int actor, string letter)
    {
        Assert.That(Schedule.LetterOf(actor), Is.EqualTo(letter));
        Assert.That(Schedule.Parse("t:" + letter).Prefix, Is.EqualTo(new[] { new ScheduleRun(actor, 0, 1) }));
    }

    [TestCase("c:")]
    [TestCase("t:")]
    public void Schedule_can_have_nothing_to_choose(string text)
    {
        var schedule = Schedule.Parse(text);

        Assert.That(schedule.PrefixChoices, Is.Zero);
        Assert.That(schedule.ToString(), Is.EqualTo(text));
    }

    [TestCase("c:aa2.0a", "c:a4")]
    [TestCase("c:a1b", "c:ab")]
    public void What_means_the_same_is_the_same(string text, string same)
    {
        Assert.That(Schedule.Parse(text), Is.EqualTo(Schedule.Parse(same)));
        Assert.That(Schedule.Parse(text).ToString(), Is.EqualTo(same));
    }

    [TestCase("", "character 1 found its end, expected 'c:' (time in classes) or 't:' (time in cycles)")]
    [TestCase("ab", "character 1 found 'a', expected 'c:'")]
    [TestCase("x:ab", "character 1 found 'x', expected 'c:'")]
    [TestCase("c:?", "character 3 found '?', expected an actor (a to z, A to Z, _a to _l) or '@'")]
    [TestCase("c:a b", "character 4 found ' ', expected an actor (a to z, A to Z, _a to _l), a count, '.' or '@'")]
    [TestCase("c:a\nb", "character 4 found the control character 10")]
    [TestCase("c:a0", "character 4 found '0', expected a count, 1 to 1000000000")]
    [TestCase("c:a99999999999", "character 4 found '99999999999', expected a count")]
    [TestCase("c:a.", "character 5 found its end, expected the number of a way, 0 to 255")]
    [TestCase("c:a.256", "character 5 found '256', expected the number of a way")]
    [TestCase("c:_", "character 4 found its end, expected a letter from a to l behind '_'")]
    [TestCase("c:_m", "character 4 found 'm', expected a letter from a to l")]
    [TestCase("c:a@", "character 5 found its end, expected an actor (a to z, A to Z, _a to _l) behind the '@'")]
    [TestCase("c:a@b@c", "character 6 found '@', expected an actor (a to z, A to Z, _a to _l): one '@' stands at character 4")]
    public void What_is_no_schedule_is_refused_with_its_place(string text, string message)
    {
        var problem = Assert.Throws<ScheduleException>(() => Schedule.Parse(text));

        Assert.That(problem!.Message, Does.StartWith("schedule '").And.Contains(message));
    }

    private static Schedule Any(Random random)
    {
        var builder = new ScheduleBuilder(random.Next(2) == 0);
        for (var i = random.Next(12); i > 0; i--)
        {
            Add(builder, random);
        }

        if (random.Next(2) == 0)
        {
            builder.BeginPeriod();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                Add(builder, random);
            }
        }

        return builder.Build();
    }

    private static void Add(ScheduleBuilder builder, Random random) =>
        builder.Add(random.Next(64), random.Next(4) == 0 ? random.Next(256) : 0, random.Next(3) == 0 ? random.Next(1, 2_000_000) : 1);
}
