return ScenarioHv.Cli.CommandLine.Run(args);
