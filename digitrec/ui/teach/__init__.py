"""*Teach it your hand* on Draw: the digits that are asked for, the lesson, and what came of it."""
