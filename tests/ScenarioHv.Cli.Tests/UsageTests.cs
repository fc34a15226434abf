namespace ScenarioHv.Cli.Tests;

/// <summary>The command line itself.</summary>
public sealed class UsageTests : CommandFixture
{
    [Test]
    public void Help_lists_the_commands_and_shows_an_example()
    {
        var result = Run("--help");

        Assert.That(result.ExitCode, Is.Zero);
        foreach (var command in (string[])["run", "matrix", "check", "conform", "list", "describe", "new", "schema", "cache", "completion"])
        {
            Assert.That(result.Out, Does.Match($@"\n  {command}\b"));
        }

        Assert.That(result.Out, Does.Contain("Example:\n  scenariohv run hyperv-hang.yaml"));
    }

    [TestCase("run", "--trace")]
    [TestCase("matrix", "--set")]
    [TestCase("explore", "--compare")]
    [TestCase("check", "<file>")]
    [TestCase("conform", "--strict")]
    [TestCase("list", "Usage:")]
    [TestCase("describe", "policies")]
    [TestCase("new", "--in")]
    [TestCase("schema", "JSON Schema")]
    [TestCase("cache", "clear")]
    [TestCase("completion", "bash, zsh, fish, pwsh")]
    public void Help_of_each_command_has_one_example(string command, string part)
    {
        var result = Run(command, "--help");

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Does.Contain(part).And.Contain($"Example:\n  scenariohv {command}"));
    }

    [Test]
    public void Version_is_a_number()
    {
        var result = Run("--version");

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Does.Match(@"^\d+\.\d+\.\d+\n$"));
    }

    [Test]
    public void No_command_is_bad_usage() =>
        AssertBadInput(
            Run(), "expected a command: run, matrix, explore, try, check, conform, list, describe, new, schema, cache, completion");

    [Test]
    public void Unknown_command_is_answered_with_the_nearest() =>
        AssertBadInput(Run("rnu", "x.yaml"), "no command 'rnu'; did you mean 'run'?");

    [Test]
    public void Missing_file_argument_is_bad_usage() => AssertBadInput(Run("run"), "file", "'scenariohv run --help'");

    [Test]
    public void Unknown_option_is_bad_usage() => AssertBadInput(Run("run", "x.yaml", "--bogus"), "--bogus");

    [TestCase("--max-steps", "0")]
    [TestCase("--max-steps", "many")]
    [TestCase("--max-cycles", "-5")]
    public void Limit_that_is_no_number_from_1_is_bad_usage(string option, string value) =>
        AssertBadInput(Run("run", "x.yaml", option, value), $"{option} {value}: expected a whole number from 1");

    [Test]
    public void Unknown_log_level_is_bad_usage() => AssertBadInput(Run("run", "x.yaml", "--log", "loud"), "loud", "debug");

    [Test]
    public void At_sign_is_part_of_a_name_and_no_response_file() => AssertBadInput(Run("run", "@x.yaml"), "there is no file '@x.yaml'");

    [TestCase("run", "hyperv-hang", "--help")]
    [TestCase("run", "hyperv-hang", "-h")]
    [TestCase("run", "-?")]
    [TestCase("run", "/h")]
    [TestCase("run", "/?")]
    public void Help_can_be_asked_for_anywhere_behind_a_command(params string[] arguments)
    {
        var result = Run(arguments);

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Is.EqualTo(Run("run", "--help").Out));
    }

    [TestCase("hyperv-hang")]
    [TestCase("/home/nobody/x.yaml")]
    [TestCase("a=b")]
    public void Run_without_options_says_what_it_says_with_options(string file)
    {
        var alone = Run("run", file);
        var read = Run("run", file, "--log", "none");

        Assert.That(alone.ExitCode, Is.EqualTo(read.ExitCode));
        Assert.That(alone.Out, Is.EqualTo(read.Out));
        Assert.That(alone.Error, Is.EqualTo(read.Error));
    }
}
