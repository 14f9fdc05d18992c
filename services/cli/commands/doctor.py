"""`vidx doctor`: what does not fit between catalog, object store and index."""

import click

from services.cli.commands import options
from services.cli.output import complain, json_line, printable, say

EXAMINATION_S = 86_400.0


@click.command("doctor")
@click.option("--fix", is_flag=True, help="Mend what can be mended: do lost work again, remove what nobody owns.")
@click.option("--deep", is_flag=True, help="Read every video's file as well, and compare its SHA-256.")
@options.as_json
def doctor_command(fix: bool, deep: bool, json: bool) -> int:
    """Compare catalog, object store and index, and name what does not fit.

    It may run while videos are indexed. The exit status is 0 when nothing is wrong, or all of it was mended.
    """
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect

    left = mendable = 0
    with connect() as gateway, gateway.errors():
        for told in gateway.streams.Diagnose(pb.DiagnoseRequest(fix=fix, deep=deep), timeout=EXAMINATION_S):
            if json:
                say(json_line(told))
            if told.HasField("finding"):
                finding = told.finding
                left += not finding.mended
                mendable += finding.mendable and not finding.mended
                if not json:
                    outcome = (
                        "mended" if finding.mended else "can be mended" if finding.mendable else "cannot be mended"
                    )
                    problem = pb.Finding.Problem.Name(finding.problem)
                    say("\t".join(map(printable, (problem, finding.name, finding.detail, outcome))))
            elif not json:
                done = told.examined
                click.echo(f"{done.videos} videos, {done.objects} objects, {done.rows} rows examined", err=True)
    if mendable:
        complain(f"{mendable} can be mended: vidx doctor --fix")
    return 1 if left else 0
