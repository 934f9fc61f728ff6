"""An empty folder in memory that a run may write to: a small tmpfs that only the zygote and its runs see.

What a run leaves there is gone before the next one: the file system is replaced, and not emptied.
"""

import os
from collections.abc import Sequence
from typing import Final

from genetic_udfs.sandbox.kernel import call

MAX_FILE_BYTES: Final = 8 << 20
MAX_BYTES: Final = 2 * MAX_FILE_BYTES  # so that one file is too large, which the kernel signals, before all are
_MAX_FILES: Final = 1_000

_NEW_NAMESPACE, _NEW_USERS = 0x00020000, 0x10000000
_NO_SETUID, _NO_DEVICES, _NO_EXEC, _RECURSIVE, _SLAVE = 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 19
_DETACH: Final = 2

# A folder that every Linux has; what lies in it is not seen by the zygote any more, so nothing may be imported from it.
_PLACES: Final = ("/srv", "/media", "/mnt", "/var/tmp")


class Folder:
    """The folder of a zygote's runs, one after another.

    Attributes:
        path: Where it is.
    """

    def __init__(self, readable: Sequence[str], user: int | None) -> None:
        """Give this process, which has one thread, a mount namespace with the folder in it.

        Args:
            readable: Folders that must stay to be seen.
            user: Whom it belongs to; None is this process's own user.

        Raises:
            OSError: If neither root's rights nor a user namespace let it be made.
        """
        seen = [os.path.realpath(each) for each in readable]
        places = [each for each in _PLACES if os.path.isdir(each) and not any(of.startswith(each) for of in seen)]  # noqa: PTH112
        if not places:
            raise OSError(f"no folder of {', '.join(_PLACES)} is free")
        self.path = places[0]
        owner, group = (os.geteuid(), os.getegid()) if user is None else (user, user)
        self._options = f"size={MAX_BYTES},nr_inodes={_MAX_FILES},mode=700,uid={owner},gid={group}"
        if os.geteuid() == 0:
            call("unshare", _NEW_NAMESPACE, what="a mount namespace")
        else:
            call("unshare", _NEW_NAMESPACE | _NEW_USERS, what="a user and a mount namespace")
            ids = {"setgroups": "deny", "uid_map": f"{owner} {owner} 1", "gid_map": f"{group} {group} 1"}
            for name, line in ids.items():
                with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - a zygote loads no pathlib for this
                    file.write(line)
        # What the machine mounts and unmounts happens here, too, and nothing of here there.
        call("mount", None, b"/", None, _RECURSIVE | _SLAVE, None)
        self._mount()

    def renew(self) -> bool:
        """Replace the folder if a run has written to it; return whether it did.

        Raises:
            OSError: If it cannot be replaced. Nothing more may be run then.
        """
        if self._state() == self._fresh:
            return False
        call("umount2", self.path.encode(), _DETACH)
        self._mount()
        return True

    def _mount(self) -> None:
        flags = _NO_SETUID | _NO_DEVICES | _NO_EXEC
        call("mount", b"tmpfs", self.path.encode(), b"tmpfs", flags, self._options.encode(), what="mounting the folder")
        os.chdir(self.path)
        self._fresh = self._state()

    def _state(self) -> tuple[int, int]:
        """Return what tells whether something is there, and whether something was: a run cannot set times."""
        found = os.stat(self.path)  # noqa: PTH116
        return found.st_size, found.st_mtime_ns
