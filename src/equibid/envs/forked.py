"""Compiled programs do not outlive a fork: where a process was forked, say so instead of hanging.

The threads of JAX stay behind in the parent, so the first program that a child runs waits for them
without end. A child of another start method (spawn, forkserver) begins anew and is fine, and so is
one whose parent had not run anything yet.
"""

import os

from equibid.errors import InputError

_home: list[int] = []


def refuse_fork() -> None:
    """Note that programs run in this process.

    Raises:
        InputError: it was forked from one in which they ran.
    """
    if not _home:
        _home.append(os.getpid())
    if _home[0] != os.getpid():
        raise InputError(
            "this process was forked from one that had a market running, where compiled programs "
            "would wait without end; start it anew with AsyncVectorEnv(…, context='spawn') or "
            "SubprocVecEnv(…, start_method='spawn'), or step all copies in this process with "
            "gymnasium.make_vec('equibid/Bidder-v0', num_envs=…)"
        )
