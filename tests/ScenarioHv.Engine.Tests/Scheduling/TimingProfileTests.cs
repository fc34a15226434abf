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

    [Test]
    public void A_cost_that_varies_is_its_first_value_in_a_run()
    {
        var profile = TimingProfile.Shipped[0].With(TimingCost.HostIpi, 900, 300);
        Assert.That(profile[TimingCost.HostIpi], Is.EqualTo(900));
        Assert.That(profile.Values(TimingCost.HostIpi), Is.EqualTo(new long[] { 900, 300 }));
        Assert.That(profile.Values(TimingCost.Wake), Is.EqualTo(new[] { profile[TimingCost.Wake] }));
        Assert.That((profile.HasJitter, TimingProfile.Shipped[0].HasJitter), Is.EqualTo((true, false)));
    }

    [Test]
    public void A_cost_has_different_values_and_at_least_one()
    {
        Assert.That(() => TimingProfile.Shipped[0].With(TimingCost.Iret, 5, 6, 5), Throws.ArgumentException);
        Assert.That(() => TimingProfile.Shipped[0].With(TimingCost.Iret, []), Throws.ArgumentException);
        Assert.That(() => TimingProfile.Shipped[0].With(TimingCost.Iret, 5, -6), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Without_time_only_an_interrupt_between_host_CPUs_is_under_way()
    {
        var slow = Enum.GetValues<TimingCost>().Where(cost => TimingProfile.Untimed[cost] != 0);
        Assert.That(slow, Is.EqualTo(new[] { TimingCost.HostIpi }));
        Assert.That(TimingProfile.Untimed[TimingCost.HostIpi], Is.EqualTo(1));
    }
}
