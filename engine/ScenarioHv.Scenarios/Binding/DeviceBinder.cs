using System.Globalization;
using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>The <c>devices</c> of a machine: what keys a device takes follows from its type.</summary>
internal static class DeviceBinder
{
    // Bus 0 has 32 devices of 8 functions.
    private const int MostDevices = 256;

    public static IReadOnlyList<DeviceSection> Bind(YamlNode node, Vocabulary vocabulary, long tscHz)
    {
        var devices = new List<DeviceSection>();
        foreach (var entry in Fields.MapOf(node, "devices").Entries)
        {
            if (devices.Count == MostDevices)
                throw entry.KeyMark.Error($"more than {MostDevices} devices");
            Fields.CheckIdentifier(entry.Key, entry.KeyMark, "a device");
            var device = Device(entry, vocabulary, tscHz);
            if (device.Slot is { } slot && devices.Find(other => other.Slot == slot) is { } taker)
                throw SlotMark(entry.Value).Error($"slot {slot} is taken by device '{taker.Name}'");
            devices.Add(device);
        }
        return devices;
    }

    private static SourceMark SlotMark(YamlNode node) =>
        node is YamlMap map && map.TryGet("slot", out var slot) ? slot.Value.Mark : node.Mark;

    private static DeviceSection Device(YamlEntry entry, Vocabulary vocabulary, long tscHz)
    {
        var what = $"device '{entry.Key}'";
        var types = Fields.NamesOf(vocabulary.DeviceTypes, type => type.Name);
        if (!Fields.MapOf(entry.Value, what).TryGet("type", out var typeEntry))
            throw entry.Value.Mark.Error($"{what} has no 'type'; it is required: {Wording.Expected("", types)}");
        var info = vocabulary.DeviceTypes[Fields.Name(typeEntry.Value, $"type of {what}", types)];
        string[] keys = ["type", .. Fields.NamesOf(info.Keys, key => key.Name), "optional"];
        var fields = Fields.Open(entry.Value, $"{what} of type {info.Name}", keys);

        var device = new DeviceSection
        {
            Name = entry.Key,
            Type = info.Name,
            Settings = Settings(fields, info, tscHz),
            IsOptional = fields.Optional("optional") is { } optional && Fields.Boolean(optional, "optional"),
            Mark = entry.KeyMark,
        };
        foreach (var key in info.Keys)
        {
            if ((key.IsRequired ? fields.Required(key.Name) : fields.Optional(key.Name)) is not { } value)
                continue;
            device = key.Name switch
            {
                "slot" => device with { Slot = Slot(value) },
                "vector" => device with { Vector = (byte)Fields.Integer(value, IntegerRule.Vector) },
                "gsi" => device with { Gsi = (int)Fields.Integer(value, IntegerRule.Gsi) },
                "destination" => device with { Destination = (byte)Fields.Integer(value, IntegerRule.Destination) },
                _ => device,
            };
        }
        return device;
    }

    private static OrderedDictionary<string, DeviceSetting> Settings(Fields fields, DeviceTypeInfo info, long tscHz)
    {
        var settings = new OrderedDictionary<string, DeviceSetting>(StringComparer.Ordinal);
        foreach (var key in info.Keys)
        {
            if (key.Name is not ("slot" or "vector" or "gsi" or "destination") && fields.Optional(key.Name) is { } value)
                settings.Add(key.Name, Setting(value, key, tscHz));
        }
        return settings;
    }

    private static DeviceSetting Setting(YamlNode node, DeviceKeyInfo key, long tscHz)
    {
        var number = key.Kind switch
        {
            DeviceKeyKind.Vector => Fields.Integer(node, IntegerRule.Vector with { Name = key.Name }),
            DeviceKeyKind.Gsi => Fields.Integer(node, IntegerRule.Gsi with { Name = key.Name }),
            DeviceKeyKind.Destination => Fields.Integer(node, IntegerRule.Destination with { Name = key.Name }),
            DeviceKeyKind.Integer => Fields.Integer(node, IntegerRule.Between(key.Name, key.Minimum, key.Maximum)),
            DeviceKeyKind.Boolean => Fields.Boolean(node, key.Name) ? 1 : 0,
            DeviceKeyKind.Frequency => Fields.Frequency(node, key.Name, new(key.Minimum), new(key.Maximum)).Hertz,
            _ => 0,
        };
        var duration = key.Kind == DeviceKeyKind.Duration ? Fields.Duration(node, key.Name, tscHz, key.Minimum, key.Maximum) : default;
        var text = key.Kind switch
        {
            DeviceKeyKind.Slot => Slot(node).ToString(),
            DeviceKeyKind.Word => key.Words[Fields.Name(node, key.Name, [.. key.Words])],
            _ => "",
        };
        return new DeviceSetting(key.Kind, number, duration, text, node.Mark);
    }

    private static PciSlot Slot(YamlNode node)
    {
        var scalar = Fields.Text(node, "slot");
        var point = scalar.Text.IndexOf('.', StringComparison.Ordinal);
        var device = point is 1 or 2 ? scalar.Text.AsSpan(0, point) : [];
        var function = scalar.Text.AsSpan(point + 1);
        if (!ulong.TryParse(device, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var deviceNumber)
            || function.Length != 1
            || !ulong.TryParse(function, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var functionNumber))
        {
            throw scalar.Mark.Error($"found {scalar.Description}, expected a slot as lspci writes it, without the bus: \"1d.0\"");
        }
        return deviceNumber <= 0x1f && functionNumber <= 7
            ? new PciSlot((byte)deviceNumber, (byte)functionNumber)
            : throw scalar.Mark.Error($"slot {scalar.Text} is out of range: device 00..1f, function 0..7, hexadecimal");
    }
}
