"""When the job runs by itself: every morning, and as soon as a source delivers new files."""

import hashlib

import dagster as dg

from orchestration.home import Home, business_timezone
from orchestration.ingestion.deliveries import partition_tags, pending_files
from orchestration.liveness import bury_dead_runs

MINIMUM_SENSOR_INTERVAL_SECONDS = 60


def build_schedule(job_name: str, home: Home) -> dg.ScheduleDefinition:
    """A run every morning at six, business time: late rows of the night are in by then."""

    @dg.schedule(
        name=f"{job_name}_daily",
        job_name=job_name,
        cron_schedule="0 6 * * *",
        execution_timezone=business_timezone(),
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Runs even without new files: freshness checks judge silence."""
        bury_dead_runs(home, context.instance)
        return dg.RunRequest(tags=partition_tags(pending_files(home)))

    return daily


def build_sensor(job_name: str, home: Home) -> dg.SensorDefinition:
    """A run as soon as a file is new or has changed; one run for all that is waiting."""

    @dg.sensor(
        name="new_files",
        job_name=job_name,
        minimum_interval_seconds=MINIMUM_SENSOR_INTERVAL_SECONDS,
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Looks at names, sizes and times only; reads no file."""
        bury_dead_runs(home, context.instance)
        waiting = pending_files(home)
        if not waiting:
            return dg.SkipReason("No source has a new or changed file.")
        # The same set of waiting files asks for one run, however often the sensor looks.
        names = sorted(
            f"{file.source}|{file.source_file}|{file.size}|{file.modified_us}" for file in waiting
        )
        key = hashlib.sha256("\n".join(names).encode()).hexdigest()
        return dg.RunRequest(run_key=key, tags=partition_tags(waiting))

    return new_files
