"""Questions over recorded incidents, end to end: was it understood, was it answered, is the answer the right one."""
