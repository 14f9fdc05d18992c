"""What has become of a process."""

import psutil


def ended(process: psutil.Process) -> bool:
    try:
        # What lost its parent stays a zombie where the first process of a container takes no note of it.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
