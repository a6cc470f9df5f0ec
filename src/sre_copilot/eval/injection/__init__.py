"""Attacks by text, measured: what is planted outside must neither steer a verdict, nor leak, nor be carried out."""
