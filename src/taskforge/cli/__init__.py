"""The command ``taskforge``: one file for each command or group of commands.

Modules import what they need inside their functions, so that ``taskforge --help`` stays quick.
"""
