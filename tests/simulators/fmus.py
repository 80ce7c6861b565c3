"""FMUs made of a few lines of C: a body that warms up towards its input, for FMI 2.0 and 3.0."""

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
typedef struct { double u, y, gain, tau; } Body;
enum { U = 1, Y = 2, GAIN = 3, TAU = 4 };
static double *at(Body *b, unsigned r) { return r == U ? &b->u : r == Y ? &b->y : r == GAIN ? &b->gain : &b->tau; }
static void *fresh(void) { Body *b = malloc(sizeof *b); b->u = 0; b->y = 0; b->gain = 2; b->tau = 600; return b; }
static int step(Body *b, double h) {
  if (b->u > 1000) abort();          /* native code that dies */
  if (b->u < -1000) return 3;        /* native code that refuses */
  b->y = b->gain * b->u + (b->y - b->gain * b->u) * exp(-h / b->tau);
  return 0;
}
static int get(Body *b, const unsigned *r, size_t n, double *v) { while (n--) v[n] = *at(b, r[n]); return 0; }
static int set(Body *b, const unsigned *r, size_t n, const double *v) { while (n--) *at(b, r[n]) = v[n]; return 0; }
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
"""
_DESCRIPTION = {
    2: """<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="Body" guid="{body}" description="A body that warms up">
 <CoSimulation modelIdentifier="Body"/>
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
 </ModelVariables>
 <ModelStructure><Outputs><Unknown index="2"/></Outputs></ModelStructure>
</fmiModelDescription>
""",
    3: """<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="3.0" modelName="Body" instantiationToken="{body}" description="A body that warms up">
 <CoSimulation modelIdentifier="Body"/>
 <UnitDefinitions><Unit name="kW"/><Unit name="degC"/></UnitDefinitions>
 <TypeDefinitions><Float64Type name="Power" unit="kW" min="0" max="50"/></TypeDefinitions>
 <ModelVariables>
  <Float64 name="power" valueReference="1" causality="input" declaredType="Power" start="0" description="Heat"/>
  <Float64 name="temperature" valueReference="2" causality="output" unit="degC" start="0" initial="exact"/>
  <Float64 name="gain" valueReference="3" causality="parameter" variability="fixed" start="2"/>
  <Float64 name="time" valueReference="0" causality="independent" variability="continuous"/>
  <Float64 name="tau" valueReference="4" causality="parameter" variability="fixed" start="600" min="1"/>
 </ModelVariables>
 <ModelStructure><Output valueReference="2"/></ModelStructure>
</fmiModelDescription>
""",
}
_FOLDERS = {2: "linux64", 3: "x86_64-linux"}


def _code(version: int) -> str:
    """With the functions that FMI demands and nobody calls here."""
    from fmpy.fmi2 import FMU2Slave
    from fmpy.fmi3 import FMU3Slave

    code = _C + (_TWO if version == 2 else _THREE)
    names = [name for name in dir(FMU2Slave if version == 2 else FMU3Slave) if name.startswith(f"fmi{version}")]
    return code + "".join(f"int {name}(void) {{ return 3; }}\n" for name in names if f"{name}(" not in code)


def build_fmu(path: Path, version: int) -> Path:
    """An FMU of FMI 2.0 or 3.0. Skips where it cannot be made or run."""
    pytest.importorskip("fmpy", reason="FMPy, which runs FMUs, is not installed (extra fmi)")
    if shutil.which("gcc") is None:
        pytest.skip("gcc, which makes the FMU of this test, is not installed")
    source = path.with_suffix(".c")
    source.write_text(_code(version))
    library = path.with_suffix(".so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-lm"], check=True, timeout=60)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modelDescription.xml", _DESCRIPTION[version])
        archive.write(library, f"binaries/{_FOLDERS[version]}/Body.so")
    return path
