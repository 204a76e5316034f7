python3 -I -m pip install --quiet --no-deps --only-binary :all: "$RECONCILER_WHEEL"
package=$(python3 -I -c 'import importlib.util as u; print(u.find_spec("reconciler").submodule_search_locations[0])')
python3 -I -m pip install --quiet --require-hashes --only-binary :all: -r "$package/requirements/$RECONCILER_LOCK.txt"
