#!/usr/bin/env bash
# Trains the detector in one call on a machine with a GPU and without network.
#
#   make detector-bundle                              here: collects what that machine lacks into build/bundle
#   MINUTES=8 deploy/train_detector.sh build/bundle OUT    there: trains, leaves the weights and a log in OUT
#   .venv/bin/python -m digitrec.training.detector_training --folder OUT --export models/detector     here again
#
# It needs Python 3.11 or newer with NumPy, SciPy, OpenCV, Pillow and JAX or PyTorch for the GPU (KERAS_BACKEND).
# A second call with the same OUT goes on where the first one stopped; MINUTES is the length of the whole training,
# SECONDS_NOW that of this call. INITIAL names weights to begin with: `average.npz` of an earlier training, with its
# `state.json` beside it, or a PyTorch state.
set -euo pipefail
bundle=$1 out=$2
cd "$(dirname "$0")/.."
export KERAS_BACKEND=${KERAS_BACKEND:-jax} DIGITREC_STROKES=$bundle/unipen DIGITREC_FONTS=$bundle/fonts
export PYTHONPATH=/tmp/digitrec-site${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 XLA_PYTHON_CLIENT_MEM_FRACTION=0.6
python3 -m pip install --quiet --no-index --no-deps --upgrade --target /tmp/digitrec-site "$bundle"/wheels/*.whl
cores=$(nproc)
python3 -m digitrec.training.detector_training --folder "$out" --minutes "${MINUTES:-8}" \
  --seconds "${SECONDS_NOW:-540}" --batch "${BATCH:-64}" --peak-rate "${PEAK_RATE:-0.002}" --kept-pages 6000 \
  --reuse "${REUSE:-6}" --workers $((cores > 4 ? cores - 2 : 1)) ${INITIAL:+--initial "$INITIAL"} 2>&1 | tee -a "$out.log"
mv "$out.log" "$out/log.txt"
