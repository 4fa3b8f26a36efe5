"""Print, as a file of constraints for pip, the oldest version that pyproject.toml allows of every dependency."""

import sys
from pathlib import Path

from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it for older Pythons


def oldest(project):
    """Return ``name==version`` for the dependencies of the package and of its tests.

    Raises:
        ValueError: If a dependency of the package has no lower bound.
    """
    lines = []
    for text in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        requirement = Requirement(text)
        bounds = [item.version for item in requirement.specifier if item.operator in (">=", "==", "~=")]
        if bounds:
            lines.append(f"{requirement.name}=={bounds[0]}")
        elif text in project["dependencies"]:
            raise ValueError(f"The dependency {text!r} has no lower bound. Give it the oldest version that works.")
    return lines


if __name__ == "__main__":
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    print("\n".join(oldest(tomllib.loads(pyproject.read_text())["project"])))
