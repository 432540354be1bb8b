"""Where the parts of a running stack are: the content of `.fitq/stack.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from fitq.stack.folder import StackFolder, read_json, write_json


@dataclass(frozen=True)
class Addresses:
    """What a person or a program needs to use the stack. All text; empty: not there."""

    redis_url: str
    store: str
    logs: str = ""
    workers: str = ""
    flower_url: str = ""
    flower_user: str = ""
    flower_password: str = ""

    @classmethod
    def load(cls, folder: StackFolder) -> Addresses | None:
        """Those of the running stack in the folder, or None."""
        content = read_json(folder.stack_file)
        if not {"redis_url", "store"} <= content.keys():
            return None
        names = {field.name for field in fields(cls)}
        return cls(**{name: str(value) for name, value in content.items() if name in names})

    def save(self, folder: StackFolder) -> None:
        """Say that the stack is up."""
        write_json(folder.stack_file, self.as_dict())

    def as_dict(self) -> dict[str, str]:
        """What is there, by name."""
        return {name: value for name, value in asdict(self).items() if value}
