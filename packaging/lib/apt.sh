# shellcheck shell=bash
# Sourced by packaging/run, packaging/demo, packaging/test and packaging/deb: brings in the packages of packaging/packages.txt.
#
# The contract is "our packages are installed", asked of dpkg-query, and not "apt-get returned 0": a machine with an
# unrelated half-configured package makes every apt-get fail, also when it did what it was asked. Nothing that comes
# along is started, now or at the next boot. Needs packaging/lib/steps.sh.

readonly APT_POLICY=/usr/sbin/policy-rc.d
readonly APT_POLICY_SAVED=/usr/sbin/policy-rc.d.before-heapfloor

# packages_of SET...: the packages of the sets, one a line.
packages_of() {
  local list set
  list=$(dirname "${BASH_SOURCE[0]}")/../packages.txt
  for set in "$@"; do
    awk -v set="$set" '$1 == set { print $2 }' "$list"
  done
}

# packages_missing PACKAGE...: those of them that dpkg does not hold as installed, under their own name or as what another
# package provides (a nodejs from elsewhere brings npm along, and conflicts with Debian's).
packages_missing() {
  local package held
  held=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' |
    sed -n 's/^installed //p' | tr ',' '\n' | sed 's/^ *//; s/ .*//')
  for package in "$@"; do
    if ! grep -qxF "$package" <<<"$held"; then echo "$package"; fi
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}

# Debian's packages start their services unless policy-rc.d says no. A policy that was there is put back afterwards,
# also one that an earlier, killed run has left aside.
deny_services() {
  if [[ ! -e $APT_POLICY_SAVED && ! -L $APT_POLICY_SAVED ]] && [[ -e $APT_POLICY || -L $APT_POLICY ]]; then
    as_root mv -T "$APT_POLICY" "$APT_POLICY_SAVED"
  fi
  trap restore_services EXIT
  printf '#!/bin/sh\n# heapfloor: packages are being installed for a build; nothing is to be started.\nexit 101\n' |
    as_root tee "$APT_POLICY" >/dev/null
  as_root chmod 755 "$APT_POLICY"
}

restore_services() {
  as_root rm -f "$APT_POLICY"
  if [[ -e $APT_POLICY_SAVED || -L $APT_POLICY_SAVED ]]; then
    as_root mv -T "$APT_POLICY_SAVED" "$APT_POLICY"
  fi
  trap - EXIT
}

# disable_units PACKAGE...: Debian also enables a new service for the next boot; only its program is wanted here.
disable_units() {
  local package units
  command -v systemctl >/dev/null || return 0
  for package in "$@"; do
    mapfile -t units < <(dpkg -L "$package" 2>/dev/null |
      sed -nE 's#^(/usr)?/lib/systemd/system/([^/@]+[.](service|timer|socket))$#\2#p')
    if ((${#units[@]} > 0)); then
      as_root systemctl --quiet --no-reload disable "${units[@]}" >&2 || say "could not disable ${units[*]}"
    fi
  done
}

# ensure_packages SET...: returns 0 when every package of the sets is installed, and says which are not otherwise.
# Installs only what is missing; does not call apt at all when nothing is.
ensure_packages() {
  local -a wanted missing still
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this is not a Debian system; install what packaging/packages.txt names, then use --no-install"
  fi
  mapfile -t wanted < <(packages_of "$@")
  mapfile -t missing < <(packages_missing "${wanted[@]}")
  if ((${#missing[@]} == 0)); then
    say "packages: all ${#wanted[@]} are installed"
    return 0
  fi
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "root or sudo is needed to install: ${missing[*]}"
  fi
  say "packages: installing ${#missing[@]} of ${#wanted[@]}: ${missing[*]}"
  deny_services
  install_packages "${missing[@]}"
  restore_services
  disable_units "${missing[@]}"
  mapfile -t still < <(packages_missing "${missing[@]}")
  if ((${#still[@]} > 0)); then
    die "apt-get did not install: ${still[*]}"
  fi
}

# install_packages PACKAGE...: as many as apt can. Indexes are fetched only when they do not offer everything, or when
# what they name is no longer on the mirror; an interrupted dpkg is repaired only when it is in the way.
install_packages() {
  local -a install_missing=(install -y --no-install-recommends)
  if ! apt_get "${install_missing[@]}" --simulate "$@" >/dev/null 2>&1; then
    say "packages: apt-get update"
    apt_get update || say "apt-get update did not reach every source"
  fi
  apt_get "${install_missing[@]}" "$@" && return 0
  [[ -z $(packages_missing "$@") ]] && return 0
  say "packages: repairing dpkg's state, then a second attempt"
  as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a </dev/null >&2 || true
  apt_get update || true
  apt_get "${install_missing[@]}" --fix-broken "$@" || true
}
