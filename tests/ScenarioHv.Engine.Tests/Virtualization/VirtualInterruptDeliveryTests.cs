using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>PPR, TPR, EOI and self-IPI virtualization, evaluation and delivery (SDM3 29.1, 29.2).</summary>
public sealed class VirtualInterruptDeliveryTests
{
    private static Vmcs WithVid(byte rvi = 0, byte svi = 0) => new()
    {
        PinBased = PinBasedControls.ExternalInterruptExiting,
        Primary = PrimaryControls.UseTprShadow | PrimaryControls.ActivateSecondaryControls,
        Secondary = SecondaryControls.VirtualInterruptDelivery,
        Rvi = rvi,
        Svi = svi,
    };

    private static Vmcs WithThreshold(uint threshold, SecondaryControls secondary = SecondaryControls.None) => new()
    {
        Primary = PrimaryControls.UseTprShadow | PrimaryControls.ActivateSecondaryControls,
        Secondary = secondary,
        TprThreshold = threshold,
    };

    [TestCase(0x00, 0x00, 0x00)]
    [TestCase(0x35, 0x00, 0x35)]
    [TestCase(0x35, 0x31, 0x35)] // same class: VTPR with its low bits
    [TestCase(0x35, 0x3F, 0x35)]
    [TestCase(0x35, 0x41, 0x40)] // SVI's class is higher: no low bits
    [TestCase(0xF7, 0xFF, 0xF7)]
    public void VPPR_is_VTPR_or_the_class_of_SVI(int vtpr, int svi, int expected) =>
        Assert.That(VirtualInterruptDelivery.VirtualizePpr((byte)vtpr, (byte)svi), Is.EqualTo(expected));

    [Test]
    public void Recognition_compares_classes_for_every_pair()
    {
        for (var rvi = 0; rvi < 256; rvi++)
        {
            for (var vppr = 0; vppr < 256; vppr++)
            {
                var recognized = VirtualInterruptDelivery.Recognizes(WithVid(), (byte)rvi, (byte)vppr);
                if (recognized != (rvi & 0xF0) > (vppr & 0xF0))
                    Assert.Fail($"RVI 0x{rvi:x2}, VPPR 0x{vppr:x2}: {recognized}");
            }
        }
    }

    [Test]
    public void Interrupt_window_exiting_withdraws_recognition()
    {
        var vmcs = WithVid(rvi: 0x41);
        Assert.That(VirtualInterruptDelivery.AtEntry(vmcs, 0, 0).Recognized, Is.EqualTo(1));
        vmcs.Primary |= PrimaryControls.InterruptWindowExiting;
        Assert.That(VirtualInterruptDelivery.AtEntry(vmcs, 0, 0).Recognized, Is.Zero);
    }

    [Test]
    public void Every_vector_is_serviced_if_its_class_is_above_the_TPR([Range(0, 15)] int tprClass)
    {
        // kvm-unit-tests vmx_basic_vid_test: vectors 33..255, all TPRs.
        for (var tpr = tprClass << 4; tpr < (tprClass + 1) << 4; tpr++)
        {
            for (var vector = 33; vector < 256; vector++)
            {
                var vmcs = WithVid(rvi: (byte)vector);
                var entry = VirtualInterruptDelivery.AtEntry(vmcs, (byte)tpr, 0);
                if (entry.Recognized != (vector >> 4 > tprClass ? 1 : 0) || entry.Rvi != vector || entry.Svi != 0 || entry.Vppr != tpr)
                    Assert.Fail($"vector {vector}, TPR {tpr}");
            }
        }
    }

    [Test]
    public void Delivery_moves_RVI_to_SVI_and_withdraws_recognition()
    {
        var vmcs = WithVid(rvi: 0x52, svi: 0x41);
        var delivered = VirtualInterruptDelivery.Deliver(vmcs, highestVirr: 0x33);
        delivered.WriteStatus(ref vmcs);
        Assert.That((delivered.Vector, delivered.Vppr, delivered.Recognized), Is.EqualTo(((byte)0x52, (byte)0x50, (byte)0)));
        Assert.That(vmcs.GuestInterruptStatus, Is.EqualTo(0x5233));
    }

    [TestCase(0x20, 0x41, 1)]
    [TestCase(0x3F, 0x41, 1)]
    [TestCase(0x40, 0x41, 0)]
    [TestCase(0x50, 0x41, 0)]
    public void A_TPR_write_evaluates_again(int vtpr, int rvi, int recognized)
    {
        var update = VirtualInterruptDelivery.VirtualizeTpr(WithVid(rvi: (byte)rvi), (byte)vtpr, vppr: 0xF0);
        Assert.That((update.Vppr, update.Recognized, update.TrapExit), Is.EqualTo(((byte)vtpr, (byte)recognized, ApicTrapExit.None)));
    }

    [TestCase(0x4F, 5u, ApicTrapExit.TprBelowThreshold)]
    [TestCase(0x50, 5u, ApicTrapExit.None)]
    [TestCase(0x00, 0u, ApicTrapExit.None)]
    [TestCase(0x00, 1u, ApicTrapExit.TprBelowThreshold)]
    public void Without_virtual_interrupt_delivery_a_TPR_write_meets_the_threshold(int vtpr, uint threshold, ApicTrapExit expected)
    {
        var update = VirtualInterruptDelivery.VirtualizeTpr(WithThreshold(threshold), (byte)vtpr, vppr: 0x77);
        Assert.That((update.TrapExit, update.Vppr, update.Recognized), Is.EqualTo((expected, (byte)0x77, (byte)0)));
    }

    [Test]
    public void With_virtual_interrupt_delivery_there_is_no_threshold()
    {
        var vmcs = WithVid() with { TprThreshold = 15 };
        Assert.That(VirtualInterruptDelivery.VirtualizeTpr(vmcs, 0, 0).TrapExit, Is.EqualTo(ApicTrapExit.None));
        Assert.That(VirtualInterruptDelivery.AtEntry(vmcs, 0, 0).TrapExit, Is.EqualTo(ApicTrapExit.None));
    }

    [Test]
    public void Without_a_TPR_shadow_there_is_no_threshold() =>
        Assert.That(VirtualInterruptDelivery.TprIsBelowThreshold(new Vmcs { TprThreshold = 5 }, 0), Is.False);

    [TestCase(SecondaryControls.VirtualizeApicAccesses, ApicTrapExit.TprBelowThreshold)]
    [TestCase(SecondaryControls.VirtualizeX2ApicMode, ApicTrapExit.None)]
    public void The_threshold_is_compared_after_entry_under_APIC_access_virtualization(
        SecondaryControls secondary, ApicTrapExit expected) =>
        Assert.That(VirtualInterruptDelivery.AtEntry(WithThreshold(5, secondary), 0x4F, 0).TrapExit, Is.EqualTo(expected));

    [Test]
    public void After_an_EOI_the_next_lower_pending_vector_is_recognized()
    {
        // kvm-unit-tests vmx_eoi_virt_test.
        var vmcs = WithVid(rvi: 0x33, svi: 0x52);
        var update = VirtualInterruptDelivery.VirtualizeEoi(vmcs, vtpr: 0, highestVisr: 0);
        update.WriteStatus(ref vmcs);
        Assert.That((update.Vector, update.Vppr, update.Recognized), Is.EqualTo(((byte)0x52, (byte)0, (byte)1)));
        Assert.That(vmcs.GuestInterruptStatus, Is.EqualTo(0x0033));
    }

    [TestCase(0x41, 0x00, 0x40, 0)] // the class of what is still in service
    [TestCase(0x31, 0x00, 0x30, 1)]
    [TestCase(0x31, 0x45, 0x45, 0)] // VTPR wins, with its low bits
    public void After_an_EOI_VPPR_comes_from_what_is_still_in_service(int stillInService, int vtpr, int vppr, int recognized)
    {
        var update = VirtualInterruptDelivery.VirtualizeEoi(WithVid(rvi: 0x42, svi: 0x52), (byte)vtpr, (byte)stillInService);
        Assert.That((update.Svi, update.Vppr, update.Recognized), Is.EqualTo(((byte)stillInService, (byte)vppr, (byte)recognized)));
    }

    [Test]
    public void An_EOI_in_the_exit_bitmap_exits_with_the_old_SVI_after_the_update_and_evaluates_nothing()
    {
        var vmcs = WithVid(rvi: 0x33, svi: 0x52);
        vmcs.EoiExitBitmap.Set(0x52);
        var update = VirtualInterruptDelivery.VirtualizeEoi(vmcs, vtpr: 0, highestVisr: 0x21);
        Assert.That((update.TrapExit, update.Vector), Is.EqualTo((ApicTrapExit.EoiInduced, (byte)0x52)));
        Assert.That((update.Svi, update.Vppr, update.Recognized), Is.EqualTo(((byte)0x21, (byte)0x20, (byte)0)));
        update.WriteStatus(ref vmcs);
        Assert.That(VirtualInterruptDelivery.AtEntry(vmcs, 0, update.Vppr).Recognized, Is.EqualTo(1), "the next entry evaluates");
    }

    [Test]
    public void An_EOI_with_nothing_in_service_consults_bit_0()
    {
        var vmcs = WithVid();
        vmcs.EoiExitBitmap.Bitmap0 = 1;
        var update = VirtualInterruptDelivery.VirtualizeEoi(vmcs, 0, 0);
        Assert.That((update.TrapExit, update.Vector), Is.EqualTo((ApicTrapExit.EoiInduced, (byte)0)));
    }

    [TestCase(0x41, 0x00, 0x52, 0x52, 1)]
    [TestCase(0x61, 0x00, 0x52, 0x61, 1)]
    [TestCase(0x00, 0x50, 0x52, 0x52, 0)]
    public void A_self_IPI_raises_RVI_and_evaluates(int rvi, int vppr, int vector, int expectedRvi, int recognized)
    {
        var update = VirtualInterruptDelivery.VirtualizeSelfIpi(WithVid(rvi: (byte)rvi, svi: 0x10), (byte)vppr, (byte)vector);
        Assert.That((update.Rvi, update.Svi, update.Recognized), Is.EqualTo(((byte)expectedRvi, (byte)0x10, (byte)recognized)));
        Assert.That(update.Vppr, Is.EqualTo(vppr), "PPR virtualization is not part of it");
    }

    [TestCase(0x41, 0x52, 0x52)]
    [TestCase(0x61, 0x52, 0x61)]
    [TestCase(0x61, 0x00, 0x61)] // ON was set and PIR was empty
    public void Posted_interrupt_processing_takes_the_maximum(int rvi, int highestPir, int expected)
    {
        // kvm-unit-tests vmx_posted_interrupts_test.
        var update = VirtualInterruptDelivery.ProcessPosted(WithVid(rvi: (byte)rvi), vppr: 0x60, (byte)highestPir);
        Assert.That((update.Rvi, update.Recognized), Is.EqualTo(((byte)expected, (byte)0)));
    }

    [TestCase(0)]
    [TestCase(63)]
    [TestCase(64)]
    [TestCase(127)]
    [TestCase(128)]
    [TestCase(191)]
    [TestCase(192)]
    [TestCase(255)]
    public void Each_vector_has_its_bit_in_the_EOI_exit_bitmap(int vector)
    {
        var bitmap = new EoiExitBitmap();
        bitmap.Set((byte)vector);
        var words = new[] { bitmap.Bitmap0, bitmap.Bitmap1, bitmap.Bitmap2, bitmap.Bitmap3 };
        Assert.That(words[vector / 64], Is.EqualTo(1ul << (vector % 64)));
        Assert.That(Enumerable.Range(0, 256).Where(v => bitmap.Contains((byte)v)), Is.EqualTo(new[] { vector }));
        bitmap.Set((byte)vector, exits: false);
        Assert.That(bitmap.Contains((byte)vector), Is.False);
    }
}
