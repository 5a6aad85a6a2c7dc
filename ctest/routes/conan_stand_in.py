"""Stands in for a package of ConanCenter by what this system has: --name openssl, sqlite3 or pkgconf."""

from conan import ConanFile


class StandIn(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    package_type = "shared-library"
    libraries = {"openssl": ["ssl", "crypto"], "sqlite3": ["sqlite3"], "pkgconf": []}

    def package_info(self):
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.bindirs = []
        self.cpp_info.system_libs = self.libraries[self.name]
        self.cpp_info.set_property("pkg_config_name", self.name)
