"""What reaches out to people (`notify`) and changes other systems (`executors`, which only `hands` calls with an effect)."""
