"""Three people's stories, acted through in Chromium: in each language, on a desk and on a phone.

`python -m benchmarks.walk` starts real servers and a web app for each of the three, does what a
clinician, an operator and an educator do there, takes a picture after each step, and tells what a
page may not have: English on a page that is not, what axe-core finds serious, anything wider than
the screen, an address of another host, a fault in words of a programmer.
"""
