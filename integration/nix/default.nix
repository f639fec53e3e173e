# SPDX-License-Identifier: GPL-2.0-or-later

{
  pkgs ? import <nixpkgs> { },
}:

(pkgs.buildGoModule.override { go = pkgs.go_1_26; }) {
  pname = "binman";
  version = "0.1.0";
  src = pkgs.lib.cleanSource ../..;
  vendorHash = "sha256-bK77JuG1v+8RqV+Az1Sm3wMvPaHG00nnpvs/bX2ZG2c=";

  # The other programs are for developers, or need cgo.
  subPackages = [ "cmd/binman" ];
  env.CGO_ENABLED = 0;
  ldflags = [
    "-s"
    "-w"
    "-X binman/internal/cli.release=0.1.0"
  ];

  nativeBuildInputs = [ pkgs.installShellFiles ];
  postInstall = ''
    mkdir man
    $out/bin/binman help --man man
    installManPage man/*
    installShellCompletion --cmd binman \
      --bash <($out/bin/binman completion bash) \
      --zsh <($out/bin/binman completion zsh) \
      --fish <($out/bin/binman completion fish)
  '';

  meta = {
    description = "Packs, signs and opens firmware images";
    license = pkgs.lib.licenses.gpl2Plus;
    mainProgram = "binman";
  };
}
