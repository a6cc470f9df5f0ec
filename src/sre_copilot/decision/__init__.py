"""From a diagnosis to a plan that may be carried out: risk, policy, planning, approval. Pure: facts and times are arguments."""
