"""Plays the models on this machine: three providers' wire protocols, and answers that follow from what is asked."""
