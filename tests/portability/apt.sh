# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# A private apt for another architecture, or for sources: it reads what the machine's apt is set up with, and writes
# only below its own folder. Read by run.sh.

# apt_root FOLDER ARCHITECTURE deb|deb-src: sets it up, and leaves APT_CONFIG for the calls that follow.
apt_root()
{
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/sources" || return
    : >"$1/status"
    etc=$(apt-config shell etc Dir::Etc/f) && eval "$etc"
    for list in "$etc"/sources.list "$etc"/sources.list.d/*.list "$etc"/sources.list.d/*.sources; do
        # What was meant for one architecture only is asked for the other one; who does not have it says so.
        [ ! -f "$list" ] || sed -e "s/^deb\(-src\)*\([[:space:]]\)/$3\2/; s/^\($3[[:space:]]*\[[^]]*\)arch=[^] ]*/\1/" \
            -e "s/^Types:.*/Types: $3/; /^Architectures:/d" "$list" >"$1/sources/${list##*/}"
    done
    # Proxies and the like are the machine's; hooks are not, as nothing of the machine changes.
    { apt-config dump | grep '^Acquire::'
      cat <<APT
APT::Architecture "$2";
APT::Architectures { "$2"; };
APT::Sandbox::User "$(id -un)";
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$1/sources";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Acquire::Languages "none";
APT
    } >"$1/apt.conf" || return
    APT_CONFIG=$1/apt.conf
    export APT_CONFIG
}
