rm -rf source
git init --quiet source
git -C source remote add origin "$RECONCILER_SOURCE"
git -C source fetch --quiet --depth 1 origin "$RECONCILER_COMMIT"
git -C source checkout --quiet "$RECONCILER_COMMIT"
python3 -I -m pip install --quiet --require-hashes --only-binary :all: \
  -r source/reconciler/requirements/build.txt -r "source/reconciler/requirements/$RECONCILER_LOCK.txt"
python3 -I -m pip install --quiet --no-deps --no-build-isolation ./source
