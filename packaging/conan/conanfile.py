"""pop3connect for Conan 2: `conan create packaging/conan`, with cargo on the PATH."""

import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir
from conan.tools.gnu import PkgConfigDeps


class Pop3connectRecipe(ConanFile):
    name = "pop3connect"
    description = "POP3 client library with a C interface"
    license = "MIT OR Apache-2.0"
    topics = ("pop3", "mail", "client")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        # Rust's code can always be moved
        "fPIC": [True],
        # OpenSSL and SQLite: those of the system rather than Conan's
        "system_libs": [True, False],
    }
    default_options = {"shared": False, "fPIC": True, "system_libs": True}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir)

    def set_version(self):
        lines = load(self, os.path.join(self._root, "Cargo.toml")).splitlines()
        self.version = next(line.split('"')[1] for line in lines if line.startswith("version = "))

    def export_sources(self):
        for pattern in (
            "CMakeLists.txt", "Cargo.*", "LICENSE-*", "Makefile", "README.md", "build.rs", "cbindgen.toml",
            "abi/version_script.sh", "ctest/symbols.txt", "ctest/server/*", "include/*", "packaging/*", "src/*",
            "tests/*", "tools/*",
        ):  # fmt: skip
            copy(self, pattern, self._root, self.export_sources_folder)

    def configure(self):
        # its interface is C
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")

    def validate(self):
        if self.settings.os not in ("Linux", "FreeBSD"):
            raise ConanInvalidConfiguration("this recipe is for Linux and FreeBSD")

    def requirements(self):
        if not self.options.system_libs:
            # no header of theirs is in pop3connect.h
            self.requires("openssl/[>=1.1.1 <4]")
            self.requires("sqlite3/[>=3.36 <4]")

    def build_requirements(self):
        if not self.options.system_libs:
            self.tool_requires("pkgconf/[>=2 <3]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["POP3CONNECT_STATIC"] = False
        toolchain.cache_variables["POP3CONNECT_MANUAL"] = False
        for variable in ("cargo_target_dir", "cargo_flags"):
            value = self.conf.get(f"user.pop3connect:{variable}")
            if value:
                toolchain.cache_variables[f"POP3CONNECT_{variable.upper()}"] = value
        toolchain.generate()
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE-*", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # Conan writes these itself
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.libs = ["pop3connect"]
        self.cpp_info.set_property("cmake_file_name", "pop3connect")
        self.cpp_info.set_property("cmake_target_name", "pop3connect::pop3connect")
        self.cpp_info.set_property("pkg_config_name", "pop3connect")
        if not self.options.shared:
            self.cpp_info.system_libs = ["util", "rt", "pthread", "m", "dl"]
            if self.options.system_libs:
                self.cpp_info.system_libs = ["ssl", "crypto", "sqlite3", *self.cpp_info.system_libs]
