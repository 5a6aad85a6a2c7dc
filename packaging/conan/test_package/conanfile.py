"""Builds programs in C and C++ with the package, and runs them."""

import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout


class Pop3connectTest(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        # nothing of it among the sources
        toolchain.user_presets_path = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if not can_run(self):
            return
        version = self.dependencies["pop3connect"].ref.version
        # where a test has a server, the programs hold a session with it
        mailbox = os.environ.get("POP3CONNECT_TEST_MAILBOX", "")
        for program in ("consumer", "consumer_cpp"):
            self.run(f"{os.path.join(self.cpp.build.bindir, program)} {version} {mailbox}", env="conanrun")
