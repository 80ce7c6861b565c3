"""Plants for tests, built directly as resolved plants: no plant file, no connection behind the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drivers.data_types import DataType
from server.config.alarm_definitions import AlarmDefinition, AlarmType, Level
from server.config.plant import (
    CommandArgument,
    CommandMethod,
    CommandRules,
    CommandWrite,
    Condition,
    Connection,
    Interlock,
    Plant,
    Relation,
    Scope,
    Tag,
    Twin,
)
from server.tags.table import TagTable


class PlantBuilder:
    """Hands out rows in the order the tags are made; `plant` closes it."""

    def __init__(self, name: str = "Test") -> None:
        self.name = name
        self.tags: list[Tag] = []
        self.connections: dict[str, Connection] = {}

    def tag(self, owner: str, name: str, data_type: DataType = DataType.Double, **rest: Any) -> Tag:
        """One tag of the twin with that path; `rest` are further fields of Tag."""
        tag = Tag(row=len(self.tags), name=name, path=f"{owner}/{name}", data_type=data_type, **rest)
        self.tags.append(tag)
        return tag

    def command(self, owner: str, name: str, data_type: DataType = DataType.Double, **rest: Any) -> Tag:
        """One writable tag, confirmed by acknowledgement unless `command` says otherwise."""
        rest.setdefault("command", CommandRules(rest.get("range"), False, "acknowledge", 0.0, 1.0))
        return self.tag(owner, name, data_type, **rest)

    def twin(
        self,
        path: str,
        scope: Scope,
        *,
        telemetry: Sequence[Tag] = (),
        commands: Sequence[Tag] = (),
        methods: Sequence[CommandMethod] = (),
        children: Sequence[Twin] = (),
        relations: Sequence[Relation] = (),
        identification: Mapping[str, str] | None = None,
        description: str = "",
        type_name: str = "",
    ) -> Twin:
        """A twin; its children are made before it."""
        return Twin(
            name=path.rpartition("/")[2],
            path=path,
            scope=scope,
            type_name=type_name,
            description=description,
            identification=identification or {},
            telemetry=tuple(telemetry),
            commands=tuple(commands),
            methods=tuple(methods),
            diagnostics=(),
            children=tuple(children),
            relations=tuple(relations),
        )

    def connection(self, name: str, driver: str = "modbus", settings: Any = None) -> Connection:
        """A connection fed with every tag that names it, with the diagnostics State and LastError."""
        diagnostics = (
            self.tag(f"Connections/{name}", "State", DataType.Byte, states=("Closed", "Connecting", "Connected")),
            self.tag(f"Connections/{name}", "LastError", DataType.String),
        )
        fed = tuple(tag for tag in self.tags if tag.connection == name)
        self.connections[name] = Connection(name, driver, settings, fed, diagnostics)
        return self.connections[name]

    def plant(self, *twins: Twin) -> Plant:
        """The plant with these roots."""
        return Plant(self.name, "A plant for tests", None, self.connections, twins, tuple(self.tags))


def table_for(plant: Plant, **rest: Any) -> TagTable:
    """An empty tag table with the plant's rows."""
    return TagTable([tag.data_type for tag in plant.tags], [tag.array_length for tag in plant.tags], **rest)


ALARMS = (
    AlarmDefinition(
        "Cooling/Loop1/Tank/LevelLimits",
        "LevelLimits",
        "Cooling/Loop1/Tank",
        AlarmType.exclusive_level,
        "Cooling/Loop1/Tank/Level",
        {Level.low_low: 900, Level.low: 400, Level.high: 500, Level.high_high: 800},
        {Level.low_low: 5.0, Level.low: 10.0, Level.high: 90.0, Level.high_high: 95.0},
        message="Level is {value} {unit}, limit {limit}",
        needs_confirm=True,
        longest_shelve_s=3600.0,
        deadband=1.0,
        on_delay_s=5.0,
    ),
    AlarmDefinition(
        "Cooling/Loop1/Pump1/Tripped",
        "Tripped",
        "Cooling/Loop1/Pump1",
        AlarmType.off_normal,
        "Cooling/Loop1/Pump1/Running",
        {Level.active: 700},
        normal=1.0,
    ),
)
"""Two alarms of the small plant."""


def small_plant() -> Plant:
    """Process `Cooling` > system `Loop1` > assets `Pump1` (with component `DriveEndBearing`) and `Tank`.

    About twenty tags: every kind of Variable, a scalar of every data type (`Tank/Each<type>`), an array, two commands
    (`Pump1/SpeedSetpoint` with an interlock, `Pump1/Run`), two methods (`Start`, `SetSpeed`), two relations and the
    connection `line1`.
    """
    build = PlantBuilder("Cooling")
    pump, tank = "Cooling/Loop1/Pump1", "Cooling/Loop1/Tank"
    bearing = build.twin(
        f"{pump}/DriveEndBearing",
        Scope.component,
        telemetry=[
            build.tag(
                f"{pump}/DriveEndBearing",
                "Temperature",
                unit="CEL",
                range=(0.0, 120.0),
                description="Outer ring",
                connection="line1",
            )
        ],
    )
    twins = _pump(build, pump, tank, bearing), _tank(build, tank)
    build.connection("line1")
    loop = build.twin("Cooling/Loop1", Scope.system, children=twins)
    return build.plant(build.twin("Cooling", Scope.process, children=[loop], description="Cooling water of hall 2"))


def _pump(build: PlantBuilder, path: str, tank: str, bearing: Twin) -> Twin:
    telemetry = [
        build.tag(path, "Speed", DataType.Float, unit="RPM", range=(0.0, 3000.0), rate_s=0.5, connection="line1"),
        build.tag(path, "Running", DataType.Boolean, states=("Stopped", "Running"), connection="line1"),
        build.tag(path, "Mode", DataType.UInt16, states=("Off", "Manual", "Automatic"), connection="line1"),
        build.tag(path, "Selector", DataType.Int16, states=("Local", "Remote"), connection="line1"),
        build.tag(path, "Spectrum", DataType.Float, array_length=4, unit="HTZ", connection="line1"),
        build.tag(path, "HealthScore", range=(0.0, 100.0)),
    ]
    level = Condition(len(build.tags) + 2, f"{tank}/Level", "above", 10.0)
    commands = [
        build.command(
            path,
            "SpeedSetpoint",
            DataType.Float,
            unit="RPM",
            range=(0.0, 3000.0),
            connection="line1",
            command=CommandRules(
                (0.0, 3000.0), False, "read_back", 1.0, 1.0, (Interlock((level,), "Tank level is below 10 %"),)
            ),
        ),
        build.command(path, "Run", DataType.Boolean, states=("Stop", "Run"), connection="line1"),
    ]
    setpoint, run = (tag.row for tag in commands)
    methods = [
        CommandMethod("Start", f"{path}/Start", "Start the pump", (), (CommandWrite(run, True, None),)),
        CommandMethod(
            "SetSpeed",
            f"{path}/SetSpeed",
            "Run at a speed",
            (CommandArgument("Speed", setpoint),),
            (CommandWrite(setpoint, None, 0), CommandWrite(run, True, None)),
        ),
    ]
    return build.twin(
        path,
        Scope.asset,
        type_name="Pump",
        description="Circulation pump",
        identification={"Manufacturer": "Acme", "Model": "P-200", "SerialNumber": "SN-1", "YearOfConstruction": "2021"},
        telemetry=telemetry,
        commands=commands,
        methods=methods,
        children=[bearing],
        relations=[Relation("Controls", tank), Relation("IsPhysicallyConnectedTo", tank)],
    )


def _tank(build: PlantBuilder, path: str) -> Twin:
    telemetry = [
        build.tag(path, "Level", unit="P1", range=(0.0, 100.0), connection="line1"),
        build.tag(path, "Volume", DataType.Int32, unit="LTR", connection="line1"),
        *(build.tag(path, f"Each{kind.name}", kind, connection="line1") for kind in DataType),
    ]
    return build.twin(path, Scope.asset, telemetry=telemetry)


def big_plant(tags: int, tags_per_asset: int = 100) -> Plant:
    """Process `Hall` > system `Line` > assets `Machine<n>`, each with that many Double tags with unit and range."""
    build = PlantBuilder("Hall")
    machines = []
    while len(build.tags) < tags:
        path = f"Hall/Line/Machine{len(machines)}"
        count = min(tags_per_asset, tags - len(build.tags))
        telemetry = [
            build.tag(path, f"Sensor{n}", unit="CEL", range=(0.0, 100.0), connection="line1") for n in range(count)
        ]
        machines.append(build.twin(path, Scope.asset, telemetry=telemetry))
    line = build.twin("Hall/Line", Scope.system, children=machines)
    plant = build.plant(build.twin("Hall", Scope.process, children=[line]))
    connection = Connection("line1", "modbus", None, plant.tags, ())
    return Plant(plant.name, plant.description, None, {"line1": connection}, plant.twins, plant.tags)
