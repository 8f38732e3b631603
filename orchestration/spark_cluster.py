"""A standalone Spark cluster on this machine, from the installed PySpark: `make spark-up`.

One master, two workers and a Thrift server that dbt connects to (`CXW_TARGET=spark_cluster`). It is
a real cluster in small: executors are processes of their own and share nothing but the folder
`CXW_HOME`. On several machines the same processes run there and `CXW_HOME` lies on a path that all
of them see; docs/scaling.md says how.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.spark import check_installation

HOST = "127.0.0.1"
MASTER_PORT = 7077
_THRIFT_SERVER = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
_START_SECONDS = 120


def up(
    home: Home,
    port: int,
    workers: int = 2,
    cores: int = 1,
    memory: str = "1g",
    master_port: int = MASTER_PORT,
) -> None:
    """Start the cluster and wait until dbt can connect.

    Args:
        home: Whose raw zone is read and whose tables are written.
        port: Where the Thrift server listens.
        workers: Number of worker processes.
        cores: Cores of each worker.
        memory: Memory of each worker, like `1g`.
        master_port: Where the master listens.

    Raises:
        WarehouseError: It runs already, or does not come up.
    """
    check_installation()
    if _running(home):
        raise WarehouseError("The cluster runs already.", "Stop it with: make spark-down")
    home.spark_tables.mkdir(parents=True, exist_ok=True)
    logs = home.root / "logs" / "spark"
    logs.mkdir(parents=True, exist_ok=True)
    master = f"spark://{HOST}:{master_port}"
    deploy = "org.apache.spark.deploy"
    started: dict[str, int] = {}

    def start(name: str, command: list[str]) -> None:
        started[name] = _start(command, logs / f"{name}.log")
        _pid_file(home).write_text(json.dumps(started))

    try:
        start(
            "master",
            ["spark-class", f"{deploy}.master.Master", "--host", HOST, "--port", str(master_port)],
        )
        _wait_for(master_port, started["master"], logs / "master.log")
        for number in range(1, workers + 1):
            start(
                f"worker-{number}",
                [
                    *("spark-class", f"{deploy}.worker.Worker", "--host", HOST),
                    *("--cores", str(cores), "--memory", memory),
                    *("--work-dir", str(logs / f"worker-{number}"), master),
                ],
            )
        settings = {
            **thrift_settings(home, port),
            "spark.executor.memory": memory,
            "spark.sql.shuffle.partitions": str(2 * workers * cores),
        }
        start(
            "thrift",
            [
                *("spark-submit", "--master", master, "--class", _THRIFT_SERVER),
                *(
                    part
                    for name, value in settings.items()
                    for part in ("--conf", f"{name}={value}")
                ),
                "spark-internal",
            ],
        )
        _wait_for(port, started["thrift"], logs / "thrift.log")
    except BaseException:
        down(home)
        raise


def thrift_settings(home: Home, port: int) -> dict[str, str]:
    """What dbt's profile sets for its own session, for a server that dbt connects to."""
    return {
        "spark.hadoop.hive.server2.thrift.bind.host": HOST,
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={home.root}/spark/metastore;create=true"
        ),
        "spark.driver.extraJavaOptions": (
            f"-Duser.timezone=UTC -Dderby.stream.error.file={home.root}/spark/derby.log"
        ),
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.sql.warehouse.dir": str(home.spark_tables),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
        "spark.ui.enabled": "false",
    }


def down(home: Home) -> None:
    """Stop what `up` started, the server first; nothing else is touched."""
    pids = _running(home)
    for name in reversed(pids):
        os.killpg(pids[name], signal.SIGTERM)
    deadline = time.monotonic() + 30
    while _running(home) and time.monotonic() < deadline:
        time.sleep(0.2)
    for pid in _running(home).values():
        os.killpg(pid, signal.SIGKILL)
    _pid_file(home).unlink(missing_ok=True)


def _pid_file(home: Home) -> Path:
    return home.root / "spark" / "cluster.json"


def _running(home: Home) -> dict[str, int]:
    """The cluster's processes that still live, by name."""
    if not _pid_file(home).exists():
        return {}
    return {
        name: pid for name, pid in json.loads(_pid_file(home).read_text()).items() if _is_ours(pid)
    }


def _is_ours(pid: int) -> bool:
    """Whether a process lives and is Spark's: a number is given anew after a restart."""
    try:
        return b"org.apache.spark" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _start(command: list[str], log: Path) -> int:
    """Start one of Spark's programs in a process group of its own."""
    import pyspark

    folder = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(folder),
        "SPARK_LOCAL_IP": HOST,
        # Workers start Python by this name where a query needs it.
        "PYSPARK_PYTHON": sys.executable,
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(folder / "bin" / command[0]), *command[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process.pid


def _wait_for(port: int, pid: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as connection:
            connection.settimeout(1)
            if connection.connect_ex((HOST, port)) == 0:
                return
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.5)
    raise WarehouseError(
        f"Spark does not listen on port {port}.", f"Read why in {log}, then: make spark-up"
    )


def main() -> int:
    """Start or stop the cluster of this home."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="cores of each worker")
    parser.add_argument("--memory", default="1g", help="memory of each worker")
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("CXW_SPARK_PORT") or "10000")
    )
    arguments = parser.parse_args()
    home = Home.from_environment()
    try:
        if arguments.action == "down":
            down(home)
            print("Stopped.")
            return 0
        up(home, arguments.port, arguments.workers, arguments.cores, arguments.memory)
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"Spark runs: {arguments.workers} workers, Thrift server on {HOST}:{arguments.port}.\n"
        "Run the job on it with: CXW_TARGET=spark_cluster cxw run"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
