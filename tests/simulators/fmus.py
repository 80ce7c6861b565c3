"""FMUs made of a few lines of C: a body that warms up towards its input, for FMI 2.0 and 3.0, co-simulation and model
exchange. For model exchange its heating trips when it gets warmer than a limit, and at a time it is cooled to 0."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

GAIN, TIME_CONSTANT_S = 2.0, 600.0
_C = """
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdint.h>
typedef struct { double u, y, gain, tau, limit, cooled_at, t; int tripped, cooled; } Body;
enum { U = 1, Y = 2, GAIN = 3, TAU = 4, RATE = 5, LIMIT = 6, COOLED_AT = 7, ABOVE = 8 };
static double rate(Body *b) { return ((b->tripped ? 0 : b->gain * b->u) - b->y) / b->tau; }
static double above(Body *b) { return b->tripped ? -1 : b->y - b->limit; }
static double *at(Body *b, unsigned r) {
  switch (r) { case U: return &b->u; case Y: return &b->y; case GAIN: return &b->gain; case TAU: return &b->tau;
    case LIMIT: return &b->limit; default: return &b->cooled_at; } }
static void *fresh(void) {
  Body *b = calloc(1, sizeof *b); b->gain = 2; b->tau = 600; b->limit = b->cooled_at = 1e30; return b; }
static int step(Body *b, double h) {
  if (b->u > 1000) abort();          /* native code that dies */
  if (b->u < -1000) return 3;        /* native code that refuses */
  b->y = b->gain * b->u + (b->y - b->gain * b->u) * exp(-h / b->tau);
  return 0;
}
static int get(Body *b, const unsigned *r, size_t n, double *v) {
  while (n--) v[n] = r[n] == RATE ? rate(b) : r[n] == ABOVE ? above(b) : *at(b, r[n]);
  return 0; }
static int set(Body *b, const unsigned *r, size_t n, const double *v) { while (n--) *at(b, r[n]) = v[n]; return 0; }
static int rates(Body *b, double *dx) { if (b->u < -1000) return 3; *dx = rate(b); return 0; }
/* again, ends, nominals, values, defined: the answers of an event, in the order of both versions */
static int event(Body *b, int *said, double *next) {
  int trips = !b->tripped && b->y > b->limit, cools = !b->cooled && b->t >= b->cooled_at;
  if (trips) b->tripped = 1;
  if (cools) { b->cooled = 1; b->y = 0; }
  said[0] = trips || cools; said[1] = b->u == 999; said[2] = 0; said[3] = cools;
  said[4] = !b->cooled && b->cooled_at < 1e29; *next = b->cooled_at; return 0; }
"""
_TWO = """
void *fmi2Instantiate(const char *n, int t, const char *g, const char *l, void *c, int v, int d) { return fresh(); }
void fmi2FreeInstance(void *b) { free(b); }
int fmi2SetupExperiment(void *b, int d, double t, double s, int e, double p) { return 0; }
int fmi2EnterInitializationMode(void *b) { return 0; }
int fmi2ExitInitializationMode(void *b) { return 0; }
int fmi2Terminate(void *b) { return 0; }
int fmi2GetReal(void *b, const unsigned *r, size_t n, double *v) { return get(b, r, n, v); }
int fmi2SetReal(void *b, const unsigned *r, size_t n, const double *v) { return set(b, r, n, v); }
int fmi2DoStep(void *b, double t, double h, int s) { return step(b, h); }
typedef struct { int said[5]; double next; } EventInfo;
int fmi2EnterEventMode(void *b) { return 0; }
int fmi2EnterContinuousTimeMode(void *b) { return 0; }
int fmi2NewDiscreteStates(void *b, EventInfo *e) { return event(b, e->said, &e->next); }
int fmi2CompletedIntegratorStep(void *b, int s, int *e, int *q) { *e = *q = 0; return 0; }
int fmi2SetTime(Body *b, double t) { b->t = t; return 0; }
int fmi2SetContinuousStates(Body *b, const double *x, size_t n) { b->y = *x; return 0; }
int fmi2GetContinuousStates(Body *b, double *x, size_t n) { *x = b->y; return 0; }
int fmi2GetNominalsOfContinuousStates(void *b, double *x, size_t n) { *x = 1; return 0; }
int fmi2GetDerivatives(void *b, double *x, size_t n) { return rates(b, x); }
int fmi2GetEventIndicators(void *b, double *x, size_t n) { *x = above(b); return 0; }
"""
_THREE = """
void *fmi3InstantiateCoSimulation(const char *n, const char *k, const char *p, _Bool v, _Bool l, _Bool e, _Bool r,
  const unsigned *i, size_t c, void *env, void *log, void *mid) { return fresh(); }
void fmi3FreeInstance(void *b) { free(b); }
int fmi3EnterInitializationMode(void *b, _Bool d, double t, double s, _Bool e, double p) { return 0; }
int fmi3ExitInitializationMode(void *b) { return 0; }
int fmi3Terminate(void *b) { return 0; }
int fmi3GetFloat64(void *b, const unsigned *r, size_t n, double *v, size_t m) { return get(b, r, n, v); }
int fmi3SetFloat64(void *b, const unsigned *r, size_t n, const double *v, size_t m) { return set(b, r, n, v); }
int fmi3DoStep(void *b, double t, double h, _Bool k, _Bool *e, _Bool *q, _Bool *y, double *last) {
  *e = *q = *y = 0; *last = t + h; return step(b, h); }
void *fmi3InstantiateModelExchange(const char *n, const char *k, const char *p, _Bool v, _Bool l,
  void *env, void *log) { return fresh(); }
int fmi3EnterEventMode(void *b) { return 0; }
int fmi3EnterContinuousTimeMode(void *b) { return 0; }
int fmi3UpdateDiscreteStates(void *b, _Bool *a, _Bool *e, _Bool *n, _Bool *v, _Bool *d, double *next) {
  int said[5], code = event(b, said, next);
  *a = said[0]; *e = said[1]; *n = said[2]; *v = said[3]; *d = said[4]; return code; }
int fmi3CompletedIntegratorStep(void *b, _Bool s, _Bool *e, _Bool *q) { *e = *q = 0; return 0; }
int fmi3SetTime(Body *b, double t) { b->t = t; return 0; }
int fmi3SetContinuousStates(Body *b, const double *x, size_t n) { b->y = *x; return 0; }
int fmi3GetContinuousStates(Body *b, double *x, size_t n) { *x = b->y; return 0; }
int fmi3GetNominalsOfContinuousStates(void *b, double *x, size_t n) { *x = 1; return 0; }
int fmi3GetContinuousStateDerivatives(void *b, double *x, size_t n) { return rates(b, x); }
int fmi3GetEventIndicators(void *b, double *x, size_t n) { *x = above(b); return 0; }
int fmi3GetNumberOfContinuousStates(void *b, size_t *n) { *n = 1; return 0; }
int fmi3GetNumberOfEventIndicators(void *b, size_t *n) { *n = 1; return 0; }
"""
_DESCRIPTION = {
    2: """<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="Body" guid="{body}" description="A body that warms up"
 numberOfEventIndicators="1">
 INTERFACES
 <UnitDefinitions><Unit name="kW"/><Unit name="degC"/></UnitDefinitions>
 <TypeDefinitions><SimpleType name="Power"><Real unit="kW" min="0" max="50"/></SimpleType></TypeDefinitions>
 <ModelVariables>
  <ScalarVariable name="power" valueReference="1" causality="input" variability="continuous" description="Heat">
   <Real declaredType="Power" start="0"/></ScalarVariable>
  <ScalarVariable name="temperature" valueReference="2" causality="output" variability="continuous" initial="exact">
   <Real unit="degC" start="0"/></ScalarVariable>
  <ScalarVariable name="gain" valueReference="3" causality="parameter" variability="fixed">
   <Real start="2"/></ScalarVariable>
  <ScalarVariable name="tau" valueReference="4" causality="parameter" variability="fixed">
   <Real start="600" min="1"/></ScalarVariable>
  <ScalarVariable name="der(temperature)" valueReference="5"><Real derivative="2"/></ScalarVariable>
  <ScalarVariable name="limit" valueReference="6" causality="parameter" variability="fixed">
   <Real start="1e30"/></ScalarVariable>
  <ScalarVariable name="cooled_at" valueReference="7" causality="parameter" variability="fixed">
   <Real start="1e30"/></ScalarVariable>
  <ScalarVariable name="label" valueReference="9" causality="parameter" variability="fixed">
   <String start="none"/></ScalarVariable>
 </ModelVariables>
 <ModelStructure><Outputs><Unknown index="2"/></Outputs><Derivatives><Unknown index="5"/></Derivatives></ModelStructure>
</fmiModelDescription>
""",
    3: """<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="3.0" modelName="Body" instantiationToken="{body}" description="A body that warms up">
 INTERFACES
 <UnitDefinitions><Unit name="kW"/><Unit name="degC"/></UnitDefinitions>
 <TypeDefinitions><Float64Type name="Power" unit="kW" min="0" max="50"/></TypeDefinitions>
 <ModelVariables>
  <Float64 name="power" valueReference="1" causality="input" declaredType="Power" start="0" description="Heat"/>
  <Float64 name="temperature" valueReference="2" causality="output" unit="degC" start="0" initial="exact"/>
  <Float64 name="gain" valueReference="3" causality="parameter" variability="fixed" start="2"/>
  <Float64 name="time" valueReference="0" causality="independent" variability="continuous"/>
  <Float64 name="tau" valueReference="4" causality="parameter" variability="fixed" start="600" min="1"/>
  <Float64 name="der(temperature)" valueReference="5" derivative="2"/>
  <Float64 name="limit" valueReference="6" causality="parameter" variability="fixed" start="1e30"/>
  <Float64 name="cooled_at" valueReference="7" causality="parameter" variability="fixed" start="1e30"/>
  <Float64 name="above" valueReference="8"/>
  <Float64 name="layers" valueReference="9" causality="parameter" variability="fixed" start="1 2 3">
   <Dimension start="3"/></Float64>
CLOCKS </ModelVariables>
 <ModelStructure><Output valueReference="2"/><ContinuousStateDerivative valueReference="5"/>
 <EventIndicator valueReference="8"/></ModelStructure>
</fmiModelDescription>
""",
}
_FOLDERS = {2: "linux64", 3: "x86_64-linux"}


BOTH = ("ModelExchange", "CoSimulation")


def _code(version: int) -> str:
    """With the functions that FMI demands and nobody calls here."""
    from fmpy.fmi2 import FMU2Model, FMU2Slave
    from fmpy.fmi3 import FMU3Model, FMU3Slave

    code = _C + (_TWO if version == 2 else _THREE)
    wanted = (FMU2Model, FMU2Slave) if version == 2 else (FMU3Model, FMU3Slave)
    names = sorted({name for one in wanted for name in dir(one) if name.startswith(f"fmi{version}")})
    return code + "".join(f"int {name}(void) {{ return 3; }}\n" for name in names if f"{name}(" not in code)


def describe(version: int, interfaces: tuple[str, ...] = ("CoSimulation",), more: str = "") -> str:
    """Its modelDescription.xml. more: further variables, for FMI 3.0."""
    told = "".join(f'<{one} modelIdentifier="Body"/>' for one in interfaces)
    return _DESCRIPTION[version].replace("INTERFACES", told).replace("CLOCKS", more)


def build_fmu(path: Path, version: int, interfaces: tuple[str, ...] = ("CoSimulation",)) -> Path:
    """An FMU of FMI 2.0 or 3.0. Skips where it cannot be made or run."""
    pytest.importorskip("fmpy", reason="FMPy, which runs FMUs, is not installed (extra fmi)")
    if shutil.which("gcc") is None:
        pytest.skip("gcc, which makes the FMU of this test, is not installed")
    source = path.with_suffix(".c")
    source.write_text(_code(version))
    library = path.with_suffix(".so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-lm"], check=True, timeout=60)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modelDescription.xml", describe(version, interfaces))
        archive.write(library, f"binaries/{_FOLDERS[version]}/Body.so")
    return path
