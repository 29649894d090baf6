"""Training the models of a study; the only package with torch.

``tasks`` says what is to be trained, ``run`` keeps worker processes busy with it, ``worker`` trains
one ensemble after another, and ``data``, ``families``, ``training`` and ``observe`` are what a
worker works with. Only those four and ``worker`` import torch or need it.
"""
