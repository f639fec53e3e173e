# SPDX-License-Identifier: GPL-2.0-or-later

"""Firmware images as Bazel targets.

An image is made by one action. Its inputs are the description and `srcs`,
nothing else: the sandbox, and a remote executor, have no other files. The
program comes from a toolchain, for the machine on which the action runs.
"""

def _dirname(file):
    return file.dirname

def _binman_image_impl(ctx):
    if not ctx.attr.images:
        fail("images must name the files that the description makes")
    program = ctx.toolchains["//binman:toolchain_type"].program
    images = [ctx.actions.declare_file(ctx.label.name + "/" + image) for image in ctx.attr.images]
    outdir = "/".join([images[0].root.path, ctx.label.package, ctx.label.name])
    inputs = [ctx.file.description] + ctx.files.srcs

    args = ctx.actions.args()
    args.add_all(["build", "-u"])
    args.add("-d", ctx.file.description)
    args.add("-O", outdir)

    # Blobs and included files are found by their names, first in the
    # directory of the description, then in those of `srcs`, in their order.
    args.add_all(inputs, before_each = "-I", map_each = _dirname, uniquify = True)
    for name, value in ctx.attr.entry_args.items():
        args.add("-a", "%s=%s" % (name, value))
    args.add_all([ctx.expand_location(option, ctx.attr.srcs) for option in ctx.attr.options])

    ctx.actions.run(
        executable = program,
        arguments = [args],
        inputs = inputs,
        outputs = images,
        # There is no PATH: a program that an entry runs would be no input.
        env = {"SOURCE_DATE_EPOCH": ctx.attr.source_date_epoch},
        mnemonic = "Binman",
        progress_message = "Packing %s" % ctx.label,
    )
    return [DefaultInfo(files = depset(images))]

binman_image = rule(
    implementation = _binman_image_impl,
    doc = "Makes the images of a description, in a directory named after the target.",
    attrs = {
        "description": attr.label(
            doc = "The description: a device tree, as source or blob.",
            allow_single_file = [".dts", ".dtb"],
            mandatory = True,
        ),
        "entry_args": attr.string_dict(
            doc = "Arguments of entries (-a).",
        ),
        "images": attr.string_list(
            doc = "The file names of the images.",
            mandatory = True,
        ),
        "options": attr.string_list(
            doc = "More options of 'binman build'; $(execpath LABEL) names one of srcs.",
        ),
        "source_date_epoch": attr.string(
            doc = "The time in what holds a time, in seconds.",
            default = "0",
        ),
        "srcs": attr.label_list(
            doc = "Every file that is read: blobs, included files, device trees, keys.",
            allow_files = True,
        ),
    },
    toolchains = ["//binman:toolchain_type"],
)

def _binman_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(program = ctx.file.program)]

binman_toolchain = rule(
    implementation = _binman_toolchain_impl,
    doc = "Says which program makes images.",
    attrs = {
        "program": attr.label(
            doc = "The static program, for the machine on which actions run.",
            allow_single_file = True,
            cfg = "exec",
            mandatory = True,
        ),
    },
)
