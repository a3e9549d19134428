"""Files from one side to the other: sent by the program, kept until somebody takes them."""
