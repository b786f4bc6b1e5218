"""Reads a run's JUnit and JSON reports with other people's parsers, and compares what they say."""

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore", DeprecationWarning)


def main() -> None:
    if sys.argv[1] == "--verdict":
        print(json.loads(Path(sys.argv[2]).read_text())["verdict"])
        return
    name, folder = sys.argv[1], Path(sys.argv[2])
    results = validated(folder / name / "results.json", folder / "results.schema.json")
    junit(folder / name / "junit.xml", results)
    print(f"{name}: results.json is as its schema says, and junit.xml tells the same")


def validated(path: Path, schema: Path) -> dict:
    import jsonschema

    results = json.loads(path.read_text())
    schema = json.loads(schema.read_text())
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    errors = [f"{list(error.path)}: {error.message}" for error in validator(schema).iter_errors(results)]
    assert not errors, "\n".join(errors)
    broken = {key: value for key, value in results.items() if key != "verdict"}
    assert list(validator(schema).iter_errors(broken)), "the schema does not want a verdict"
    return results


def junit(path: Path, results: dict) -> None:
    from junitparser import Error, Failure, JUnitXml, Skipped

    counted = {Failure: 0, Error: 0, Skipped: 0}
    cases = 0
    for suite in JUnitXml.fromfile(str(path)):
        for case in suite:
            cases += 1
            for outcome in case.result:
                counted[type(outcome)] += 1
    wanted = {"fail": Failure, "error": Error, "skip": Skipped}
    assert cases == len(results["subtests"]), f"{cases} cases"
    for verdict, kind in wanted.items():
        expected = sum(subtest["verdict"] == verdict for subtest in results["subtests"])
        assert counted[kind] == expected, f"{counted[kind]} {kind.__name__} and {expected} {verdict}"


main()
