"""Steps that survive a crash: finished ones are not repeated, one in flight runs again, so that every effect needs a key."""
