"""The proof that jobs survive: an application that writes down what it does, faults, and a checker that judges."""
