from sanhua.cli import main

main()
