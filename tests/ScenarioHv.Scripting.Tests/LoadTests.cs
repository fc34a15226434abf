using System.Reflection.Metadata;
using System.Security.Cryptography;

namespace ScenarioHv.Scripting.Tests;

/// <summary><c>#load</c>: what files a script is made of, and where messages and debuggers say that something is.</summary>
public sealed class LoadTests
{
    private const string Helper = """
        const uint EoiRegister = 0xfee000b0;
        int ends;
        Shared<int> mailbox;
        async GuestTask End(Cpu cpu)
        {
            ends++;
            await cpu.MmioWrite(EoiRegister, 0);
        }
        """;

    private const string Main = """
        #load "helper.csx"
        Shared<int> second;
        async GuestTask Main(Cpu cpu) { await cpu.Sti(); await second.Write(cpu, ends); }
        async GuestTask OnInterrupt(Cpu cpu, byte vector) { await End(cpu); }
        """;

    private ScriptFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new ScriptFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("a.csx", ExpectedResult = true)]
    [TestCase("b/a.csx", ExpectedResult = true)]
    [TestCase("../a.csx", ExpectedResult = false)]
    [TestCase("../here-too/a.csx", ExpectedResult = false)]
    public bool Files_below_a_folder_are_those_in_it_and_in_its_folders(string name)
    {
        var here = Path.Combine(Path.GetTempPath(), "here");
        return ScriptFiles.IsBelow(Path.GetFullPath(Path.Combine(here, name)), here);
    }

    [Test]
    public void Every_file_is_below_the_root_of_its_drive()
    {
        var file = Path.Combine(Path.GetTempPath(), "a.csx");
        Assert.That(ScriptFiles.IsBelow(file, Path.GetPathRoot(file)!));
    }

    [Test]
    public void Script_has_the_methods_variables_and_shared_words_of_what_it_loads()
    {
        Write("helper.csx", Helper);
        var program = _folder.Load(Main);
        Assert.That(program.SharedWords, Is.EqualTo(2));
        Assert.That(program.Variables!.GetFields().Select(field => field.Name), Is.EqualTo(new[] { "ends" }));
    }

    [Test]
    public void Variables_of_several_files_lie_one_behind_the_other_without_padding()
    {
        Write("helper.csx", "byte first; struct Pair { public byte A; public int B; }\n");
        var variables = _folder.Load("#load \"helper.csx\"\nlong second; Pair third;\n" + ScriptFolder.EmptyMain).Variables!;
        Assert.That(System.Runtime.InteropServices.Marshal.SizeOf(variables), Is.EqualTo(1 + 8 + 5));
    }

    [Test]
    public void File_that_several_load_is_there_once_and_so_are_files_that_load_each_other()
    {
        Write("a.csx", "#load \"b.csx\"\n#load \"common.csx\"\nint A => B + Common;\n");
        Write("b.csx", "#load \"a.csx\"\n#load \"common.csx\"\n#load \"guest.csx\"\nint B => Common;\n");
        Write("common.csx", "#load \"common.csx\"\nconst int Common = 3;\n");
        Assert.That(_folder.Load("#load \"a.csx\"\n#load \"b.csx\"\nint n;\n" + ScriptFolder.EmptyMain).Main, Is.Not.Null);
    }

    [Test]
    public void Path_is_taken_from_the_file_that_names_it()
    {
        Write("lib/a.csx", "#load \"deep/b.csx\"\nint A => B;\n");
        Write("lib/deep/b.csx", "#load \"../../c.csx\"\nint B => C;\n");
        Write("c.csx", "int C => 1;\n");
        var (source, _) = _folder.Source("#load \"lib/a.csx\"\n" + ScriptFolder.EmptyMain);
        Assert.That(RoslynCompiler.Compile(source, ScriptKey.Of(source)), Is.Not.Null);
        Assert.That(ScriptFiles.Of(source.FullPath).Select(file => Path.GetRelativePath(_folder.Path, file)),
            Is.EqualTo(new[] { "guest.csx", "lib/a.csx", "lib/deep/b.csx", "c.csx" }));
    }

    [Test]
    public void Usings_of_a_file_are_its_own()
    {
        Write("helper.csx", "using Word = System.UInt32;\nWord last;\n");
        Assert.That(_folder.Load("#load \"helper.csx\"\n" + ScriptFolder.EmptyMain).Variables, Is.Not.Null);
        Assert.That(
            _folder.Refusal("#load \"helper.csx\"\n§Word other;\n" + ScriptFolder.EmptyMain, trusted: true).Message,
            Does.Contain("no type 'Word' here").Or.Contain("CS0246"));
    }

    [TestCase("#load §\"../other.csx\"", "outside of the folder of guest.csx")]
    [TestCase("#load §\"lib/../../other.csx\"", "outside of the folder of guest.csx")]
    [TestCase("#load §\"/etc/passwd\"", "one machine only")]
    [TestCase("#load §\"C:/other.csx\"", "one machine only")]
    [TestCase("#load §\"lib\\\\helper.csx\"", "write '/'")]
    [TestCase("#load §\"\"", "names a file beside this one")]
    [TestCase("#load §\"helpr.csx\"", "there is no file 'helpr.csx'; did you mean 'helper.csx'?")]
    [TestCase("#load §\"apic.csx\"", "there is no file 'apic.csx'. The folder has guest.csx, helper.csx.")]
    [TestCase("#load §\"lib\"", "is a folder")]
    [TestCase("int x;\n#§load \"helper.csx\"", "CS8098")]
    public void What_cannot_be_loaded_is_refused_with_the_reason(string marked, string message)
    {
        Write("helper.csx", "int Twice(int n) => 2 * n;\n");
        Write("lib/other.csx", "\n");
        Assert.That(_folder.Refusal(marked + "\n" + ScriptFolder.EmptyMain).Message, Does.Contain(message));
    }

    [Test]
    public void Script_loads_at_most_32_files()
    {
        for (var i = 0; i < 33; i++)
        {
            Write($"h{i}.csx", $"int F{i}() => {i};\n");
        }

        string Text(int files) =>
            string.Concat(Enumerable.Range(0, files).Select(i => $"#load \"h{i}.csx\"\n")) + ScriptFolder.EmptyMain;
        Assert.That(_folder.Load(Text(32)).Main, Is.Not.Null);
        Assert.That(_folder.Refusal(Text(33)), Is.EqualTo(
            new ScriptDiagnostic(Path.Combine(_folder.Path, "guest.csx"), 33, 7, "a script loads at most 32 files.")));
    }

    [Test]
    public void Region_that_is_not_active_loads_nothing() =>
        Assert.That(_folder.Load("#if NEVER\n#load \"gone.csx\"\n#endif\n" + ScriptFolder.EmptyMain).Main, Is.Not.Null);

    /// <summary>Each kind of check sees the helper, and names its file, line and column.</summary>
    [TestCase("int x = 3;", 1, 7, "assign the value at the beginning of Main")]
    [TestCase("\nint F() => Missing(1);", 2, 12, "CS0103")]
    [TestCase("\n  void F() { System.Console.WriteLine(); }", 2, 14, "a guest has no console")]
    [TestCase("int F()\n{\n    return 1\n}", 3, 13, "CS1002")]
    [TestCase("#r \"a.dll\"", 1, 1, "#r is not possible")]
    [TestCase("int F<T>(T x) => 1;", 1, 6, "type parameters are not possible")]
    [TestCase("async GuestTask F(Cpu cpu) { var list = new int[3]; await cpu.Hlt(); list[0] = 1; }", 1, 34, "F keeps 'list'")]
    [TestCase("struct S { public float F; } S x;", 1, 32, "Single has no place in state")]
    public void Problem_in_a_helper_names_the_helper(string text, int line, int column, string message)
    {
        var helper = Write("lib/helper.csx", text + "\n");
        var first = _folder.Refusal("#load \"lib/helper.csx\"\n" + ScriptFolder.EmptyMain);
        Assert.That((first.File, first.Line, first.Column), Is.EqualTo((helper, line, column)), first.ToString());
        Assert.That(first.Message, Does.Contain(message));
    }

    [Test]
    public void Problem_in_a_script_that_loads_names_the_script()
    {
        Write("helper.csx", Helper);
        Assert.That(_folder.Refusal("#load \"helper.csx\"\nvoid F() { §End(default); }\n" + ScriptFolder.EmptyMain).Message,
            Does.Contain("Put 'await'"));
    }

    [Test]
    public void Two_files_that_declare_one_name_are_refused()
    {
        Write("helper.csx", Helper);
        Assert.That(_folder.Refusal("#load \"helper.csx\"\nint §ends;\n" + ScriptFolder.EmptyMain).Message,
            Is.EqualTo("'ends' is declared in line 2 of helper.csx already."));
    }

    [Test]
    public void Compilation_is_another_once_a_loaded_file_is_changed_or_comes_to_be()
    {
        Write("helper.csx", Helper);
        var first = _folder.Source(Main).Key.Text;
        Write("helper.csx", Helper + "// changed\n");
        var second = _folder.Source(Main).Key.Text;
        File.Delete(Path.Combine(_folder.Path, "helper.csx"));
        Assert.That(new[] { first, second, _folder.Source(Main).Key.Text }, Is.Unique);
    }

    [Test]
    public void Changed_helper_is_compiled_again()
    {
        Write("helper.csx", "Shared<int> a;\n");
        var before = _folder.Load("#load \"helper.csx\"\n" + ScriptFolder.EmptyMain).SharedWords;
        Write("helper.csx", "Shared<int> a, b;\n");
        Assert.That((before, _folder.Load("#load \"helper.csx\"\n" + ScriptFolder.EmptyMain).SharedWords), Is.EqualTo((1, 2)));
    }

    /// <summary>A debugger finds each file by path and checksum, and stops at its operations.</summary>
    [Test]
    public void Debug_information_leads_to_each_file()
    {
        var helper = Write("helper.csx", Helper);
        var (source, key) = _folder.Source(Main);
        using var provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(RoslynCompiler.Compile(source, key).Pdb));
        var reader = provider.GetMetadataReader();
        var points = reader.MethodDebugInformation.SelectMany(handle => reader.GetMethodDebugInformation(handle).GetSequencePoints())
            .Where(point => !point.IsHidden)
            .Select(point => (File: reader.GetDocument(point.Document), point.StartLine, point.StartColumn)).ToArray();
        var files = points.Select(point => (reader.GetString(point.File.Name), Convert.ToHexString(reader.GetBlobBytes(point.File.Hash))));
        Assert.That(files.Distinct(), Is.EquivalentTo(new[]
        {
            (source.FullPath, Convert.ToHexString(SHA256.HashData(source.Bytes))),
            (helper, Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(helper)))),
        }));
        Assert.That(
            points.Where(point => reader.GetString(point.File.Name) == helper).Select(point => (point.StartLine, point.StartColumn)),
            Is.SupersetOf(new[] { (6, 5), (7, 5) }));
    }

    private string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder.Path, name))!);
        return _folder.Write(text, name);
    }
}
