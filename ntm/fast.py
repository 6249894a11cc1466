def supports(machine, x):
    return False
