"""Honest sites with odd pictures, and dishonest ones, in a small federation of heads.

The heads are a softmax regression or a small network on frozen features, trained with numpy: quick
enough for many seeds, and real enough to show how real updates differ.
"""
