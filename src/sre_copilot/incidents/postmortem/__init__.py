"""The report of an incident and its postmortem: made of the product's own records alone, each sentence with the record it rests on."""
