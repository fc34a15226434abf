using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Scheduling;

public sealed class TimingProfileTests
{
    [Test]
    public void Every_cost_has_a_name_of_its_own_and_stands_at_its_place()
    {
        Assert.That(TimingProfile.Costs.Select(cost => cost.Cost), Is.EqualTo(Enum.GetValues<TimingCost>()));
        Assert.That(TimingProfile.Costs.Select(cost => cost.Name), Is.Unique);
        Assert.That(TimingProfile.Costs.Select(cost => cost.Name), Has.All.Match("^[a-z]+(-[a-z]+)*$"));
        Assert.That(TimingProfile.Costs.Select(cost => cost.Meaning), Is.Unique.And.None.Empty);
    }

    [TestCase("skylake")]
    [TestCase("epyc")]
    public void A_shipped_profile_has_the_values_of_its_column(string name)
    {
        var profile = TimingProfile.Shipped.Single(profile => profile.Name == name);

        foreach (var cost in TimingProfile.Costs)
        {
            Assert.That(profile[cost.Cost], Is.EqualTo(name == "skylake" ? cost.Skylake : cost.Epyc), cost.Name);
        }
    }

    [Test]
    public void Shipped_profiles_have_names_of_their_own() => Assert.That(TimingProfile.Shipped.Select(profile => profile.Name), Is.Unique);

    [Test]
    public void The_parts_of_a_VMCALL_round_trip_make_what_was_published()
    {
        var skylake = TimingProfile.Shipped[0];

        Assert.That(skylake[TimingCost.VmEntry] + skylake[TimingCost.VmExit] + skylake[TimingCost.ExitHandler], Is.EqualTo(1550));
    }

    [Test]
    public void One_cost_is_replaced_in_a_copy_and_only_there()
    {
        var original = TimingProfile.Shipped[0];
        var before = TimingProfile.Costs.ToDictionary(cost => cost.Cost, cost => original[cost.Cost]);

        var changed = original.With(TimingCost.Resend, 12345);

        Assert.That(changed.Name, Is.EqualTo(original.Name));
        foreach (var (cost, cycles) in before)
        {
            Assert.That(changed[cost], Is.EqualTo(cost == TimingCost.Resend ? 12345 : cycles));
            Assert.That(original[cost], Is.EqualTo(cycles));
        }
    }

    [Test]
    public void A_cost_can_be_0_and_not_less()
    {
        Assert.That(TimingProfile.Shipped[0].With(TimingCost.Iret, 0)[TimingCost.Iret], Is.Zero);
        Assert.That(() => TimingProfile.Shipped[0].With(TimingCost.Iret, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
