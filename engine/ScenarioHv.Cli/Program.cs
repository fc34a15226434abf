Console.WriteLine("scenariohv");
